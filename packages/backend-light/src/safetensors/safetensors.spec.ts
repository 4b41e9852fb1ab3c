import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { z } from 'zod';
import { InvalidSafetensorsError } from '../errors/invalid-safetensors-error.js';
import { readFixture, readJsonFixture } from '../fixtures.fixture.js';
import { HALF } from './half.js';
import { parseSafetensors } from './parse-safetensors.js';
import { tensorNumbers } from './tensor-numbers.js';
import { writeSafetensors } from './write-safetensors.js';

const hostileSchema = z.array(z.object({ file: z.string(), wrong: z.string(), format: z.string(), expected_error: z.string(), also_acceptable: z.array(z.string()).default([]) }));
const hostile = readJsonFixture('hostile-checkpoints/index.json', hostileSchema).filter(({ format }) => format === 'safetensors');
const wellFormedSchema = z.object({ files: z.record(z.string(), z.object({ tensors: z.record(z.string(), z.object({ dtype: z.string(), shape: z.array(z.int()), data: z.string() })) })) });
const wellFormed = readJsonFixture('safetensors-files/expected.json', wellFormedSchema).files;

describe('safetensors', () => {
  it.each(hostile)('$file is refused: $wrong', ({ file, expected_error, also_acceptable }) => {
    let outcome = 'accepted';
    try {
      parseSafetensors(readFixture(`hostile-checkpoints/${file}`), file);
    } catch (error) {
      expect(error).toBeInstanceOf(InvalidSafetensorsError);
      expect(error).toMatchObject({ code: 'INVALID_SAFETENSORS', file });
      outcome = 'refused';
    }
    // Some of the corpus may be read: a duplicate key within one entry, for instance.
    const mayBeRead = [expected_error, ...also_acceptable].some((kind) => kind.startsWith('accepted'));
    expect(mayBeRead ? 'refused' : outcome).toBe('refused');
  });

  it.each(Object.entries(wellFormed))('%s has the bytes that the library reads', (file, { tensors }) => {
    const parsed = parseSafetensors(readFixture(`safetensors-files/${file}`), file);
    // zod leaves `__proto__` out of a record.
    expect([...parsed.keys()].filter((name) => name !== '__proto__').sort()).toEqual(Object.keys(tensors).sort());
    for (const [name, { dtype, shape, data }] of Object.entries(tensors)) {
      expect(parsed.get(name)).toMatchObject({ type: dtype, shape });
      expect(Buffer.from(parsed.get(name)?.bytes ?? []).toString('base64')).toBe(data);
    }
  });

  it('reads what it wrote, and refuses it cut anywhere or with a byte more', () => {
    const bytes = (values: readonly number[]): Uint8Array<ArrayBuffer> => Uint8Array.from(values);
    const file = writeSafetensors(new Map([['embeddings', { type: 'I8', shape: [2, 3], bytes: bytes([1, 2, 3, 253, 254, 255]) }], ['weights', { type: 'F32', shape: [1], bytes: bytes([0, 0, 128, 63]) }]]));
    const parsed = parseSafetensors(file, 'written');
    expect([...parsed].map(([name, tensor]) => [name, tensor.shape, [...(tensorNumbers(tensor) ?? [])]])).toEqual([['embeddings', [2, 3], [1, 2, 3, -3, -2, -1]], ['weights', [1], [1]]]);
    for (let length = 0; length < file.length; length++) expect(() => parseSafetensors(file.slice(0, length), 'cut')).toThrow(InvalidSafetensorsError);
    expect(() => parseSafetensors(new Uint8Array([...file, 0]), 'longer')).toThrow(InvalidSafetensorsError);
  });

  it('gives tensors or a refusal for any header, and nothing outside the file', () => {
    const number = fc.oneof(fc.integer({ min: -4, max: 40 }), fc.constantFrom(2 ** 31, 2 ** 53, 0.5));
    const entry = fc.record({ dtype: fc.constantFrom('F32', 'I8', 'F99', 'F16'), shape: fc.array(number, { maxLength: 3 }), data_offsets: fc.array(number, { minLength: 1, maxLength: 3 }) });
    fc.assert(
      fc.property(fc.dictionary(fc.constantFrom('a', 'b', '__proto__', '__metadata__'), entry), fc.integer({ min: 0, max: 40 }), (header, dataBytes) => {
        const json = new TextEncoder().encode(JSON.stringify(header));
        const file = new Uint8Array(8 + json.length + dataBytes);
        new DataView(file.buffer).setBigUint64(0, BigInt(json.length), true);
        file.set(json, 8);
        let total = 0;
        try {
          for (const { bytes } of parseSafetensors(file, 'any').values()) total += bytes.length;
        } catch (error) {
          expect(error).toBeInstanceOf(InvalidSafetensorsError);
          return;
        }
        expect(total).toBe(dataBytes);
      }),
    );
  });

  it('knows every half', () => {
    expect([HALF[0], HALF[0x3c00], HALF[0xc000], HALF[0x7bff], HALF[1], HALF[0x7c00], HALF[0xfc00], HALF[0x7e00]]).toEqual([0, 1, -2, 65_504, 2 ** -24, Infinity, -Infinity, Number.NaN]);
  });
});
