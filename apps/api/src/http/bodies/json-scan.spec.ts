import { describe, expect, it } from '@jest/globals';
import { rejection } from '@kimera/testing';
import fc from 'fast-check';
import { JsonScan } from './json-scan.js';
import { JSON_LIMITS } from '../limits.js';

/** In pieces of so many bytes. */
function scan(text: string, pieceBytes = 64_000): void {
  const bytes = Buffer.from(text);
  const looked = new JsonScan();
  for (let at = 0; at < bytes.length; at += pieceBytes) looked.push(bytes.subarray(at, at + pieceBytes));
}

const nested = (depth: number): string => '['.repeat(depth) + ']'.repeat(depth);
const listOf = (item: string, count: number): string => `[${Array.from({ length: count }, () => item).join()}]`;

describe('a JSON text', () => {
  it('passes in pieces of any size, whatever its texts hold', () => {
    const small = fc.jsonValue({ maxDepth: 5 });
    fc.assert(
      fc.property(small, fc.integer({ min: 1, max: 50 }), (value, pieceBytes) => {
        // Objects of fast-check have no name twice.
        scan(JSON.stringify(value), pieceBytes);
      }),
    );
    const signs = JSON.stringify({ '{"[': '[[[{{{"\\"', ',,': ':::', a: '\\' });
    for (let piece = 1; piece < 20; piece += 1) scan(signs, piece);
  });

  it.each([
    ['levels of lists and objects', nested(JSON_LIMITS.depth), nested(JSON_LIMITS.depth + 1)],
    ['levels of lists and objects', `{"a":${nested(63)}}`, `{"a":${nested(64)}}`],
    ['lists and objects', listOf('[]', JSON_LIMITS.containers - 1), listOf('[]', JSON_LIMITS.containers)],
    ['lists and objects', listOf('{}', JSON_LIMITS.containers - 1), listOf('{}', JSON_LIMITS.containers)],
    ['values', listOf('1', JSON_LIMITS.values + 1), listOf('1', JSON_LIMITS.values + 2)],
    [
      'fields',
      `[{${Array.from({ length: JSON_LIMITS.fields }, (_, i) => `"${i}":1`).join()}}]`,
      `[{${Array.from({ length: JSON_LIMITS.fields + 1 }, (_, i) => `"${i}":1`).join()}}]`,
    ],
  ])('of more %s than there may be is refused', async (what, most, more) => {
    scan(most);
    expect(await rejection(() => scan(more))).toMatchObject({
      code: 'invalid_request',
      message: expect.stringContaining(what),
    });
  });

  it.each([
    ['{"input":"a","model":"m","input":"b"}', 'input'],
    ['{"a":{"x":1,"x":2},"b":[{"b":1}],"a":3}', 'a'],
    ['{ "\\u0061" : 1 , "a" : 2 }', 'a'],
    ['{"a\\"b":1,"a\\"b":2}', 'a"b'],
    ['{"":1,"":2}', ''],
  ])('%s has a field twice', async (text, field) => {
    for (const piece of [1, 3, 1_000])
      expect(await rejection(() => scan(text, piece))).toMatchObject({ code: 'invalid_request', fields: { field } });
  });

  it.each(['{"a":"a","b":"a"}', '["a","a"]', '{"a":{"a":{"a":1}}}', '{"a":["b",":"],"b":1}', '{"x'])(
    '%s has none twice',
    (text) => {
      for (const piece of [1, 3, 1_000]) scan(text, piece);
    },
  );
});
