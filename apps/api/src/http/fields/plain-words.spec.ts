import { expect, it } from '@jest/globals';
import { rejection } from '@kimera/testing';
import fc from 'fast-check';
import { z } from 'zod';
import { optional, withUsual } from './optional.js';
import { parse } from './parse-body.js';

const schema = z.object({
  text: z.string().min(2).max(5),
  mode: withUsual(z.enum(['float', 'base64']), 'float'),
  only: optional(z.literal('x')),
  count: optional(z.int().min(1).max(10)),
  share: optional(z.number().gt(0).lt(1)),
  flag: withUsual(z.boolean(), true),
  list: optional(z.array(z.string()).min(1).max(2)),
  either: optional(z.union([z.string(), z.array(z.number())], 'a text, or a list of numbers')),
  side: optional(z.string().regex(/^[ab]$/, 'a or b')),
  anything: z.unknown(),
  inside: optional(z.strictObject({ a: optional(z.string()) })),
});
const right = { text: 'abc', anything: 5 };

it.each([
  [{}, 'text: expected a text, got nothing'],
  [{ text: 'abc' }, 'anything: expected a value, got nothing'],
  [{ text: null }, 'text: expected a text, got null'],
  [{ text: 'a' }, 'text: expected a text whose length is at least 2, got "a"'],
  [{ ...right, mode: 'hex' }, 'mode: expected "float" or "base64", got "hex"'],
  [{ ...right, only: 5 }, 'only: expected "x", got 5'],
  [{ ...right, count: 1.5 }, 'count: expected a whole number, got 1.5'],
  [{ ...right, count: 0 }, 'count: expected a number of at least 1, got 0'],
  [{ ...right, count: 11 }, 'count: expected a number of at most 10, got 11'],
  [{ ...right, share: 1 }, 'share: expected a number of less than 1, got 1'],
  [{ ...right, flag: 'yes' }, 'flag: expected true or false, got "yes"'],
  [{ ...right, list: [] }, 'list: expected a list whose length is at least 1, got an empty list'],
  [{ ...right, list: ['a', 'b', 'c'] }, 'list: expected a list whose length is at most 2, got a list of 3'],
  [{ ...right, list: ['a', 7] }, 'list.1: expected a text, got 7'],
  [{ ...right, either: true }, 'either: expected a text, or a list of numbers, got true'],
  [{ ...right, side: 'c' }, 'side: expected a or b, got "c"'],
  [{ ...right, inside: { b: 1 } }, 'inside: expected no field "b", got an object'],
  [{ ...right, text: 'x'.repeat(100) }, `text: expected a text whose length is at most 5, got "${'x'.repeat(40)}…"`],
  [[], 'the body must be a JSON object: expected an object, got an empty list'],
  ['a', 'the body must be a JSON object: expected an object, got "a"'],
  [null, 'the body must be a JSON object: expected an object, got null'],
])('%j is refused with what was expected and what came', async (body, message) => {
  expect(await rejection(() => parse(schema, body))).toMatchObject({ code: 'invalid_request', message });
});

it('uses no word of the schema library, whatever is wrong', async () => {
  const fields = Object.keys(schema.shape);
  const wrong = fc.dictionary(fc.constantFrom(...fields), fc.oneof(fc.jsonValue(), fc.double()));
  await fc.assert(
    fc.asyncProperty(wrong, async (body) => {
      const error = await rejection(() => parse(schema, body));
      if (error === undefined) return;
      expect(error).toMatchObject({
        message: expect.stringMatching(/^(?:\w+(?:\.[^:]*)?: |the body must be a JSON object: )expected .+, got .+$/s),
      });
      expect(error).not.toMatchObject({
        message: expect.stringMatching(/invalid input|received|unrecognized|too (?:small|big)/i),
      });
    }),
  );
});

it('takes null as a field that is left out, everywhere', () => {
  const optionalFields = Object.keys(schema.shape).filter((field) => field !== 'text' && field !== 'anything');
  fc.assert(
    fc.property(fc.subarray(optionalFields), (fields) => {
      const body = { ...right, ...Object.fromEntries(fields.map((field) => [field, null])) };
      expect(parse(schema, body)).toEqual(parse(schema, right));
    }),
  );
  expect(parse(schema, { ...right, inside: { a: null } })).toEqual(parse(schema, { ...right, inside: {} }));
});
