import { expect, it } from '@jest/globals';
import type { TokenizedTexts } from '@kimera/embedder';
import { fakeSpace } from '@kimera/testing';
import { cutIds } from './cut-ids.js';

/** Knows what the tokenizer makes of a text of n ids 7: `before` and `after` stand around every text. */
function embedder(before: readonly number[], after: readonly number[], truncationSide?: 'left') {
  const asked: string[] = [];
  const tokenize = (texts: readonly string[]): Promise<TokenizedTexts> => {
    asked.push(...texts);
    const ids = texts.map((text) => Int32Array.from([...before, ...Array.from(text, () => 7), ...after]));
    return Promise.resolve({ ids, totalTokens: Int32Array.from(ids, ({ length }) => length), promptTokens: 0 });
  };
  return { space: fakeSpace('cut', { maxTokens: 4, truncationSide }), tokenize, asked };
}
const cut = async (parts: ReturnType<typeof embedder>, ...lists: number[][]): Promise<number[][]> =>
  (
    await cutIds(
      parts,
      lists.map((ids) => Int32Array.from(ids)),
    )
  ).map((ids) => Array.from(ids));

it('keeps the token that ends every text, where the list has it', async () => {
  expect(await cut(embedder([1], [2]), [1, 7, 7, 7, 7, 2], [1, 7, 7, 7, 7], [1, 7, 7, 2], [7])).toEqual([
    [1, 7, 7, 2],
    [1, 7, 7, 7],
    [1, 7, 7, 2],
    [7],
  ]);
  expect(await cut(embedder([], [2]), [7, 7, 7, 7, 7, 2])).toEqual([[7, 7, 7, 2]]);
});

it.each([
  ['a token before the text alone', [1], []],
  ['no token around the text', [], []],
])('cuts plainly where the tokenizer puts %s', async (_what, before, after) => {
  expect(await cut(embedder(before, after), [1, 7, 7, 7, 7, 1], [7, 7, 7, 7, 7])).toEqual([
    [1, 7, 7, 7],
    [7, 7, 7, 7],
  ]);
});

it('keeps the last ids, and the token that begins every text, where the space cuts texts at their beginning', async () => {
  expect(await cut(embedder([1], [2], 'left'), [1, 7, 8, 9, 9, 2], [7, 8, 9, 9, 2], [1, 7, 2])).toEqual([
    [1, 9, 9, 2],
    [8, 9, 9, 2],
    [1, 7, 2],
  ]);
});

it('cuts on the side that is asked for, whatever that of the space', async () => {
  const lists = [Int32Array.of(1, 7, 8, 9, 9, 2)];
  expect(await cutIds(embedder([1], [2]), lists, 'left')).toEqual([Int32Array.of(1, 9, 9, 2)]);
  expect(await cutIds(embedder([1], [2], 'left'), lists, 'right')).toEqual([Int32Array.of(1, 7, 8, 2)]);
});

it('asks the tokenizer nothing where nothing is cut, and leaves the lists that it was given', async () => {
  const parts = embedder([1], [2]);
  expect(await cut(parts, [1, 7, 7, 2])).toEqual([[1, 7, 7, 2]]);
  expect(parts.asked).toEqual([]);
  const given = Int32Array.of(1, 7, 7, 7, 2);
  await cutIds(parts, [given]);
  expect(Array.from(given)).toEqual([1, 7, 7, 7, 2]);
});
