import { describe, expect, it } from '@jest/globals';
import { rejection } from '@kimera/testing';
import fc from 'fast-check';
import { inputSchema, parseInput, type Input } from './parse-input.js';
import { TokenLimit } from '../embedding/token-limit.js';

const MAX_ITEMS = 20;
const MODEL_TOKENS = 10;
const MAX_TOKEN_ID = 2 ** 31 - 1;

interface Limits {
  readonly truncate: boolean;
  readonly bound?: number;
}
const parse = (value: unknown, { truncate, bound }: Limits = { truncate: true }): Input =>
  parseInput(value, {
    param: 'input',
    maxItems: MAX_ITEMS,
    empty: 'empty',
    tooMany: (limit, actual) => `${actual} of ${limit} items`,
    tokenLimit: new TokenLimit({
      param: 'input',
      modelTokens: MODEL_TOKENS,
      bound,
      truncate,
      tooLong: (limit, actual, index) => `${actual} of ${limit} tokens in ${index}`,
    }),
  });

/** A list that counts how often an item of it is read. */
function watched(items: readonly unknown[]): { readonly list: readonly unknown[]; readonly reads: () => number } {
  let reads = 0;
  const list = new Proxy(items, {
    get(target, key, receiver): unknown {
      if (typeof key === 'string' && /^\d+$/.test(key)) reads += 1;
      return Reflect.get(target, key, receiver);
    },
  });
  return { list, reads: () => reads };
}

/** What the schema of the API document makes of it. */
const reference = inputSchema(MAX_ITEMS).transform((value): Input => {
  const asInput = (item: string | readonly number[]): string | Int32Array =>
    typeof item === 'string' ? item : Int32Array.from(item);
  if (typeof value === 'string') return [value];
  const ids = value.filter((item) => typeof item === 'number');
  return ids.length > 0 ? [Int32Array.from(ids)] : value.map((item) => asInput(typeof item === 'number' ? [] : item));
});

/** The list with one item more. */
function spliced(list: readonly unknown[], at: number, item: unknown): readonly unknown[] {
  return list.toSpliced(at % (list.length + 1), 0, item);
}

describe('the inputs of a request', () => {
  const tokenIds = fc.array(fc.integer({ min: 0, max: MAX_TOKEN_ID }), { minLength: 1, maxLength: 30 });
  const text = fc.string({ unit: 'binary', minLength: 1 });
  const valid = fc.oneof(
    text,
    tokenIds,
    fc.array(text, { minLength: 1, maxLength: MAX_ITEMS }),
    fc.array(tokenIds, { minLength: 1, maxLength: MAX_ITEMS }),
    fc.array(fc.oneof(text, tokenIds), { minLength: 1, maxLength: MAX_ITEMS }),
  );

  it('are what the schema of the API document makes of them', () => {
    fc.assert(fc.property(valid, (value) => expect(parse(value)).toEqual(reference.parse(value))));
  });

  it('are refused where that schema refuses them', async () => {
    const wrong = fc.oneof(fc.jsonValue(), fc.double(), fc.constantFrom(null, true, [], {}, -1, 0.5, 2 ** 31, ''));
    const spoilt = fc
      .tuple(valid, wrong, fc.nat())
      .map(([value, item, at]) => (typeof value === 'string' ? item : spliced(value, at, item)));
    const long = fc.oneof(fc.array(text, { minLength: MAX_ITEMS }), fc.array(tokenIds, { minLength: MAX_ITEMS }));
    await fc.assert(
      fc.asyncProperty(fc.oneof(wrong, spoilt, long), async (value) => {
        expect((await rejection(() => parse(value))) === undefined).toBe(reference.safeParse(value).success);
      }),
    );
  });

  it.each([
    [undefined, 'invalid_request', 'input', 'got nothing'],
    [5, 'invalid_request', 'input', 'got 5'],
    [{ 0: 'a', length: 1 }, 'invalid_request', 'input', 'got an object'],
    [[], 'empty_input', 'input', 'empty'],
    [[true], 'invalid_request', 'input.0', 'got true'],
    ['', 'empty_input', 'input', 'input 0 is an empty string'],
    [['a', [7], ''], 'empty_input', 'input', 'input 2 is an empty string'],
    [['a', [7], 7, null], 'invalid_request', 'input.2', 'input.2: expected a text or a list of token ids, got 7'],
    [[7, 8, 'a'], 'invalid_request', 'input.2', 'input.2: expected a whole number from 0 to 2147483647, got "a"'],
    [[1, -1], 'invalid_request', 'input.1', 'got -1'],
    [[1, 1.5], 'invalid_request', 'input.1', 'got 1.5'],
    [[1, 1e99], 'invalid_request', 'input.1', 'got 1e+99'],
    [[1, 2 ** 31], 'invalid_token_id', 'input.1', 'token id 2147483648 is beyond 2147483647'],
    [[[1], []], 'invalid_request', 'input.1', 'got an empty list'],
    [[[1], [2, null]], 'invalid_request', 'input.1.1', 'got null'],
    [[[1], [2, 2 ** 40]], 'invalid_token_id', 'input.1.1', 'is beyond 2147483647'],
    [[[[1]]], 'invalid_request', 'input.0.0', 'got a list'],
    [Array.from({ length: MAX_ITEMS + 1 }, () => 'a'), 'invalid_request', 'input', '21 of 20 items'],
  ])('%j is %s at %s', async (value, code, param, words) => {
    expect(await rejection(() => parse(value))).toMatchObject({ code, param, message: expect.stringContaining(words) });
  });

  it.each([
    ['one list, not cut', { truncate: false }, Array.from({ length: 11 }, () => 1), '11 of 10 tokens in 0'],
    [
      'a list in a batch, not cut',
      { truncate: false },
      [[1], Array.from({ length: 11 }, () => 1)],
      '11 of 10 tokens in 1',
    ],
    [
      "beyond a bound below the model's limit, where nothing is cut",
      { truncate: true, bound: 5 },
      [1, 2, 3, 4, 5, 6],
      '6 of 5 tokens in 0',
    ],
  ])('too many ids: %s', async (_what, limits, value, message) => {
    expect(await rejection(() => parse(value, limits))).toMatchObject({
      code: 'input_too_long',
      param: 'input',
      message,
    });
  });
  it("takes ids that will be cut, and a bound above the model's limit changes nothing", () => {
    const ids = Array.from({ length: 11 }, (_, i) => i);
    expect(parse(ids, { truncate: true, bound: 50 })).toEqual([Int32Array.from(ids)]);
  });

  const MANY = 50_000;
  const many = (item: unknown, at = -1, other: unknown = null): readonly unknown[] =>
    Array.from({ length: MANY }, (_, i) => (i === at ? other : item));
  it.each([
    ['texts beyond the count', many('a'), { truncate: true }, 1],
    ['lists beyond the count', many([1]), { truncate: true }, 1],
    ['nulls beyond the count', many(null), { truncate: true }, 1],
    ['ids beyond the limit', many(1), { truncate: false }, 1],
    ['ids beyond a bound', many(1), { truncate: true, bound: 5 }, 1],
    ['a wrong id among those that will be cut', many(1, 100, 'a'), { truncate: true }, 102],
  ])('looks no further than it must: %s', async (_what, items, limits, most) => {
    const { list, reads } = watched(items);
    expect(await rejection(() => parse(list, limits))).toMatchObject({ code: expect.any(String) });
    expect(reads()).toBeLessThanOrEqual(most);
  });
  it('looks at the ids of no list where one of them is too long', async () => {
    const lists = [watched([1, 2]), watched(many(1))];
    expect(
      await rejection(() =>
        parse(
          lists.map(({ list }) => list),
          { truncate: false },
        ),
      ),
    ).toMatchObject({ code: 'input_too_long' });
    expect(lists.map(({ reads }) => reads())).toEqual([0, 0]);
  });
  it('looks at each id once, and at the first twice', () => {
    const { list, reads } = watched(many(1));
    parse(list);
    expect(reads()).toBe(MANY + 1);
  });
});
