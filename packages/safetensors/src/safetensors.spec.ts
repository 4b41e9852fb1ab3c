import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { z } from 'zod';
import { ELEMENT_BYTES, isElementType } from './element-type.js';
import { headerBytes, parseHeader, PREFIX_BYTES } from './header.js';
import { readSafetensors } from './read-safetensors.js';
import { tensorBytes, type Tensor } from './tensor.js';
import { encodeHeader, writeSafetensors } from './write-safetensors.js';

class Refused extends Error {}
const refuse = (reason: string): never => {
  throw new Refused(reason);
};

const readFixture = (name: string): Uint8Array<ArrayBuffer> =>
  new Uint8Array(readFileSync(join(fileURLToPath(import.meta.url), '../../../../fixtures', name)));
const readJson = <T>(name: string, schema: z.ZodType<T>): T =>
  schema.parse(JSON.parse(new TextDecoder().decode(readFixture(name))));
const hostileSchema = z.array(
  z.object({
    file: z.string(),
    wrong: z.string(),
    format: z.string(),
    expected_error: z.string(),
    also_acceptable: z.array(z.string()).default([]),
  }),
);
const hostile = readJson('hostile-checkpoints/index.json', hostileSchema).filter(
  ({ format }) => format === 'safetensors',
);
const wellFormedSchema = z.object({
  files: z.record(
    z.string(),
    z.object({
      tensors: z.record(z.string(), z.object({ dtype: z.string(), shape: z.array(z.int()), data: z.string() })),
    }),
  ),
});
const wellFormed = readJson('safetensors-files/expected.json', wellFormedSchema).files;

const I8: Tensor = { type: 'I8', shape: [2, 3], bytes: Uint8Array.of(1, 2, 3, 253, 254, 255) };
const F32: Tensor = { type: 'F32', shape: [1], bytes: Uint8Array.of(0, 0, 128, 63) };

/** A file with any header. */
function fileOf(header: string, dataBytes: number): Uint8Array<ArrayBuffer> {
  const json = new TextEncoder().encode(header);
  const file = new Uint8Array(PREFIX_BYTES + json.length + dataBytes);
  new DataView(file.buffer).setBigUint64(0, BigInt(json.length), true);
  file.set(json, PREFIX_BYTES);
  return file;
}

describe('reading', () => {
  it.each(hostile)('$file is refused: $wrong', ({ file, expected_error, also_acceptable }) => {
    let outcome = 'accepted';
    try {
      readSafetensors(readFixture(`hostile-checkpoints/${file}`), refuse);
    } catch (error) {
      expect(error).toBeInstanceOf(Refused);
      outcome = 'refused';
    }
    // Some of the corpus may be read: a duplicate key within one entry, for instance.
    const mayBeRead = [expected_error, ...also_acceptable].some((kind) => kind.startsWith('accepted'));
    expect(mayBeRead ? 'refused' : outcome).toBe('refused');
  });

  it.each(Object.entries(wellFormed))('%s has the bytes that the library reads', (file, { tensors }) => {
    const read = readSafetensors(readFixture(`safetensors-files/${file}`), refuse);
    // zod leaves `__proto__` out of a record.
    expect([...read.keys()].filter((name) => name !== '__proto__').sort()).toEqual(Object.keys(tensors).sort());
    for (const [name, { dtype, shape, data }] of Object.entries(tensors)) {
      expect(read.get(name)).toMatchObject({ type: dtype, shape });
      expect(Buffer.from(read.get(name)?.bytes ?? []).toString('base64')).toBe(data);
    }
  });

  const entry = (changes: object = {}): string =>
    JSON.stringify({ dtype: 'I8', shape: [4], data_offsets: [0, 4], ...changes });
  const refusals: readonly (readonly [string, Uint8Array<ArrayBuffer>, string])[] = [
    ['fewer bytes than a prefix', new Uint8Array(7), '7 bytes, a safetensors file has at least 8'],
    [
      'a header beyond the limit',
      Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 128),
      'the header claims 9223372036854775808 bytes, the limit is 100000000',
    ],
    ['a header beyond the file', Uint8Array.of(9, 0, 0, 0, 0, 0, 0, 0, 0x7b), 'the header claims 9 bytes, 1 are there'],
    ['a header that is no object', fileOf('[]', 0), 'the header does not start with {'],
    ['a header that is not JSON', fileOf('{', 0), 'the header is not JSON in UTF-8'],
    ['a name that stands twice', fileOf(`{"a":${entry()},"a":${entry()}}`, 4), 'the header names a tensor twice'],
    ['metadata of numbers', fileOf('{"__metadata__":{"a":1}}', 0), '__metadata__ is not a map of strings'],
    ['metadata that is null', fileOf('{"__metadata__":null}', 0), '__metadata__ is not a map of strings'],
    ['an unknown type', fileOf(`{"a":${entry({ dtype: 'F31' })}}`, 4), 'tensor a has the unknown type F31'],
    [
      'a range that is not the shape’s',
      fileOf(`{"a":${entry({ shape: [2, 3] })}}`, 4),
      'tensor a has 4 bytes, its shape [2, 3] needs 6',
    ],
    ['a hole', fileOf(`{"a":${entry({ data_offsets: [1, 5] })}}`, 5), 'tensor a starts at 1, the one before ends at 0'],
    [
      'an overlap',
      fileOf(`{"a":${entry()},"b":${entry({ data_offsets: [2, 6] })}}`, 6),
      'tensor b starts at 2, the one before ends at 4',
    ],
    ['more data than tensors', fileOf(`{"a":${entry()}}`, 5), 'the tensors take 4 bytes, 5 are there'],
  ];
  it.each(refusals)('%s is refused by its reason', (_what, file, reason) => {
    expect(() => readSafetensors(file, refuse)).toThrow(new Refused(reason));
  });

  it('a negative size is refused by its field', () => {
    expect(() => readSafetensors(fileOf(`{"a":${entry({ shape: [-4] })}}`, 4), refuse)).toThrow('tensor a: shape.0: ');
  });

  it('gives tensors or a refusal for any header, and nothing outside the file', () => {
    const number = fc.oneof(fc.integer({ min: -4, max: 40 }), fc.constantFrom(2 ** 31, 2 ** 53, 0.5));
    const entries = fc.record({
      dtype: fc.constantFrom('F32', 'I8', 'F99', 'F16'),
      shape: fc.array(number, { maxLength: 3 }),
      data_offsets: fc.array(number, { minLength: 1, maxLength: 3 }),
    });
    fc.assert(
      fc.property(
        fc.dictionary(fc.constantFrom('a', 'b', '__proto__', '__metadata__'), entries),
        fc.integer({ min: 0, max: 40 }),
        (header, dataBytes) => {
          let total = 0;
          try {
            for (const { bytes } of readSafetensors(fileOf(JSON.stringify(header), dataBytes), refuse).values())
              total += bytes.length;
          } catch (error) {
            expect(error).toBeInstanceOf(Refused);
            return;
          }
          expect(total).toBe(dataBytes);
        },
      ),
    );
  });
});

describe('writing', () => {
  const types = fc.constantFrom(...Object.keys(ELEMENT_BYTES).filter(isElementType));
  const tensor = fc
    .record({ type: types, shape: fc.array(fc.nat(3), { maxLength: 4 }) })
    .chain((entry) =>
      fc
        .uint8Array({ minLength: tensorBytes(entry), maxLength: tensorBytes(entry) })
        .map((bytes): Tensor => ({ ...entry, bytes: Uint8Array.from(bytes) })),
    );
  const names = fc
    .oneof(fc.string({ unit: 'binary' }), fc.constantFrom('__proto__', '"', '1', 'ü'))
    .filter((name) => name !== '__metadata__');
  const tensors = fc
    .uniqueArray(fc.tuple(names, tensor), { selector: ([name]) => name, maxLength: 5 })
    .map((entries) => new Map(entries));

  it('is read back: names, types, shapes and bytes; the data starts at a multiple of 8', () => {
    fc.assert(
      fc.property(tensors, (written) => {
        const file = writeSafetensors(written);
        const read = readSafetensors(file, refuse);
        expect(new Set(read.keys())).toEqual(new Set(written.keys()));
        for (const [name, expected] of written) expect(read.get(name)).toEqual(expected);
        expect(headerBytes(file.subarray(0, PREFIX_BYTES), file.length, refuse) % 8).toBe(0);
      }),
    );
  });

  it('has the bytes of the format', () => {
    const header =
      '{"b":{"dtype":"I8","shape":[2,3],"data_offsets":[0,6]},"a":{"dtype":"F32","shape":[1],"data_offsets":[6,10]}}'.padEnd(
        112,
      );
    expect(
      Buffer.from(
        writeSafetensors(
          new Map([
            ['b', I8],
            ['a', F32],
          ]),
        ),
      ),
    ).toEqual(Buffer.concat([Uint8Array.of(112, 0, 0, 0, 0, 0, 0, 0), Buffer.from(header), I8.bytes, F32.bytes]));
  });

  it('metadata is read back', () => {
    const header = encodeHeader([['a', F32]], { format: 'pt' }).subarray(PREFIX_BYTES);
    expect(parseHeader(header, 4, refuse)).toEqual({
      metadata: { format: 'pt' },
      entries: new Map([['a', { type: 'F32', shape: [1], from: 0, to: 4 }]]),
    });
  });

  it('is refused cut anywhere, with a byte more, and beyond a limit of the reader’s', () => {
    const file = writeSafetensors(
      new Map([
        ['embeddings', I8],
        ['weights', F32],
      ]),
    );
    for (let length = 0; length < file.length; length++)
      expect(() => readSafetensors(file.slice(0, length), refuse)).toThrow(Refused);
    expect(() => readSafetensors(Uint8Array.of(...file, 0), refuse)).toThrow(Refused);
    expect(() => readSafetensors(file, refuse, 100)).toThrow('the limit is 100');
  });
});
