import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import {
  canonicalJson,
  canonicalJsonBytes,
  checkTokenBatch,
  cosine,
  DimensionMismatchError,
  dot,
  fromPortableError,
  InvalidTokenBatchError,
  NotCanonicalError,
  normalize,
  norm,
  RemoteError,
  spaceFingerprint,
  SpaceMismatchError,
  textIds,
  tokenBatch,
  toPortableError,
  toWellFormed,
  ZeroVectorError,
  type JsonValue,
  type SpaceIdentity,
} from './index.js';

const identity: SpaceIdentity = {
  weights: 'a'.repeat(64),
  tokenizer: 'b'.repeat(64),
  maxTokens: 256,
  pooling: ['mean'],
  normalize: true,
  prompts: { query: 'query: ', document: '' },
  dimension: 384,
};

describe('fingerprint', () => {
  it('is the SHA-256 that hashlib gives over the documented bytes (docs/fingerprint.md)', async () => {
    expect(await spaceFingerprint(identity)).toBe('51c53d8e305cca0959ce8b43040c047780872b349dd153b87622b581ab16186f');
  });
  it.each([
    ['maxTokens', { maxTokens: 128 }],
    ['pooling', { pooling: ['cls'] as const }],
    ['normalize', { normalize: false }],
    ['dimension', { dimension: 383 }],
    ['prompts', { prompts: { query: '', document: 'query: ' } }],
    ['weights', { weights: 'c'.repeat(64) }],
    ['tokenizer', { tokenizer: 'c'.repeat(64) }],
  ])('changes with %s', async (_field, change) => {
    expect(await spaceFingerprint({ ...identity, ...change })).not.toBe(await spaceFingerprint(identity));
  });
});

describe('canonical JSON (RFC 8785)', () => {
  it('sorts keys by UTF-16 code units and prints numbers as ECMAScript', () => {
    expect(
      canonicalJson({
        '\u20ac': 1,
        '\r': 2,
        '1': 3,
        '\ud83d\ude02': 4,
        '\ufb33': 5,
        a: [1e21, 0.000001, 1e-7, -0, 'é"\\\u000f'],
      }),
    ).toBe('{"\\r":2,"1":3,"a":[1e+21,0.000001,1e-7,0,"é\\"\\\\\\u000f"],"\u20ac":1,"\ud83d\ude02":4,"\ufb33":5}');
  });
  it('does not depend on the order of keys', () => {
    fc.assert(
      fc.property(
        fc.dictionary(fc.string(), fc.integer()),
        (value) => canonicalJson(value) === canonicalJson(Object.fromEntries(Object.entries(value).reverse())),
      ),
    );
  });
  it('has the bytes of the string, however long', () => {
    const long = {
      text: 'é🙂\u0000'.repeat(50_000),
      list: Array.from({ length: 20_000 }, (_, i) => [`▁${i}`, -i / 3]),
    };
    expect(Buffer.from(canonicalJsonBytes(long)).equals(Buffer.from(canonicalJson(long)))).toBe(true);
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        expect(Buffer.from(canonicalJsonBytes(value as JsonValue)).toString('utf8')).toBe(
          canonicalJson(value as JsonValue),
        );
        expect(JSON.parse(canonicalJson(value as JsonValue))).toEqual(JSON.parse(JSON.stringify(value)));
      }),
    );
  });
  it('refuses what JSON cannot carry', () => {
    expect(() => canonicalJson(NaN)).toThrow(NotCanonicalError);
    expect(() => canonicalJson([Infinity])).toThrow(NotCanonicalError);
  });
});

describe('vectors', () => {
  it('normalise to length 1 and keep their direction', () => {
    fc.assert(
      fc.property(
        fc.array(fc.float({ min: -1e3, max: 1e3, noNaN: true }), { minLength: 1, maxLength: 50 }),
        (values) => {
          fc.pre(norm(values) > 1e-3);
          expect(norm(normalize(values))).toBeCloseTo(1, 5);
          expect(cosine(values, normalize(values))).toBeCloseTo(1, 5);
        },
      ),
    );
  });
  it('have the same length and direction in any size that float64 holds', () => {
    const part = fc.double({ min: 0.1, max: 1, noNaN: true });
    fc.assert(
      fc.property(
        fc.array(fc.tuple(part, part), { minLength: 1, maxLength: 20 }),
        fc.integer({ min: -300, max: 300 }),
        fc.integer({ min: -300, max: 300 }),
        (pairs, exponentA, exponentB) => {
          const [a, b] = [pairs.map(([x]) => x), pairs.map(([, y]) => y)];
          const [sizedA, sizedB] = [a.map((x) => x * 10 ** exponentA), b.map((y) => y * 10 ** exponentB)];
          expect(norm(sizedA) / 10 ** exponentA / norm(a)).toBeCloseTo(1, 12);
          expect(cosine(sizedA, sizedB)).toBeCloseTo(cosine(a, b), 12);
          expect(cosine(normalize(sizedA), a)).toBeCloseTo(1, 6);
          expect(norm(normalize(sizedA))).toBeCloseTo(1, 6);
        },
      ),
    );
    const [smallest, largest] = [Number.MIN_VALUE, Number.MAX_VALUE];
    expect(norm([1.57e-162])).toBe(1.57e-162);
    expect(norm([3e200, 4e200]) / 5e200).toBeCloseTo(1, 12);
    expect([...normalize([smallest, smallest])]).toEqual([Math.fround(Math.SQRT1_2), Math.fround(Math.SQRT1_2)]);
    expect([...normalize([largest, -largest])]).toEqual([Math.fround(Math.SQRT1_2), Math.fround(-Math.SQRT1_2)]);
    expect(norm([smallest, 0])).toBe(smallest);
    expect([norm([]), norm([0, -0]), norm([1, -Infinity]), norm([1, NaN])]).toEqual([0, 0, Infinity, NaN]);
  });
  it('of ordinary size have the root of the plain sum of squares, to the bit', () => {
    fc.assert(
      fc.property(fc.array(fc.float({ noNaN: true, noDefaultInfinity: true }), { maxLength: 50 }), (values) => {
        expect(norm(values)).toBe(Math.sqrt(values.reduce((sum, value) => sum + value * value, 0)));
      }),
    );
  });
  it('are refused where they cannot be compared', () => {
    expect(() => cosine([1, 0], [Infinity, 0])).toThrow(ZeroVectorError);
    expect(() => cosine([1e200, 1], [NaN, 0])).toThrow(ZeroVectorError);
    expect(() => normalize([0, 0])).toThrow(ZeroVectorError);
    expect(() => dot([1], [1, 2])).toThrow(DimensionMismatchError);
    expect(() => cosine([0, 0], [1, 0])).toThrow(ZeroVectorError);
    expect(() => normalize([NaN])).toThrow(ZeroVectorError);
    expect(new SpaceMismatchError('a', 'b', 'search')).toMatchObject({
      code: 'SPACE_MISMATCH',
      fields: { expected: 'a', actual: 'b' },
    });
  });
});

it('lone surrogates become U+FFFD, pairs stay', () => {
  fc.assert(
    fc.property(
      fc.string({ unit: fc.integer({ min: 0xd700, max: 0xe0ff }).map((unit) => String.fromCharCode(unit)) }),
      (text) => expect(toWellFormed(text)).toBe(Buffer.from(text, 'utf8').toString('utf8')),
    ),
  );
});

describe('token batches', () => {
  it('hold the ids back to back', () => {
    const batch = tokenBatch([[1, 2], [3]]);
    expect([...textIds(batch, 0)]).toEqual([1, 2]);
    expect([...textIds(batch, 1)]).toEqual([3]);
    expect(() => checkTokenBatch(batch, 2)).not.toThrow();
  });
  it.each([
    ['a text beyond the limit', tokenBatch([[1, 2, 3]])],
    ['a text without tokens', tokenBatch([[]])],
    ['offsets that do not start at 0', { ids: new Int32Array(1), offsets: Int32Array.of(1, 1) }],
    ['offsets that end elsewhere', { ids: new Int32Array(3), offsets: Int32Array.of(0, 1) }],
    ['no offsets', { ids: new Int32Array(), offsets: new Int32Array() }],
  ])('refuse %s', (_what, batch) => {
    expect(() => checkTokenBatch(batch, 2)).toThrow(InvalidTokenBatchError);
  });
});

it('errors cross a boundary with code, message and fields, and with their class where it is known', () => {
  const error = new DimensionMismatchError(384, 1024, 'start');
  const portable = structuredClone(toPortableError(error));
  expect(fromPortableError(portable, {})).toBeInstanceOf(RemoteError);
  expect(fromPortableError(portable, {})).toMatchObject({
    code: error.code,
    message: error.message,
    fields: error.fields,
    name: 'DimensionMismatchError',
  });
  expect(fromPortableError(portable, { DIMENSION_MISMATCH: () => error })).toBe(error);
  expect(toPortableError(new TypeError('x'))).toMatchObject({ code: 'INTERNAL', name: 'TypeError', message: 'x' });
});
