import type { Embedder } from '@kimera/embedder';

/**
 * Lists of ids as the tokenizer would have cut their texts: the first ones, and last the token that ends every text
 * where the list has it; cut at their beginning, the last ones, and first the token that begins every text.
 * B lists of at most the model's limit. @param side where they are cut; default: where the space cuts texts.
 */
export async function cutIds(
  embedder: Pick<Embedder, 'space' | 'tokenize'>,
  lists: readonly Int32Array[],
  side?: 'left' | 'right',
): Promise<readonly Int32Array[]> {
  const { maxTokens, truncationSide } = embedder.space;
  if (lists.every(({ length }) => length <= maxTokens)) return lists;
  const isLeft = (side ?? truncationSide) === 'left';
  const outer = await outerToken(embedder, isLeft ? 0 : -1);
  return lists.map((ids) => {
    if (ids.length <= maxTokens) return ids;
    const cut = isLeft ? ids.slice(-maxTokens) : ids.slice(0, maxTokens);
    if (outer !== undefined && ids.at(isLeft ? 0 : -1) === outer) cut[isLeft ? 0 : maxTokens - 1] = outer;
    return cut;
  });
}

/**
 * The token that the tokenizer puts at this end (0 or -1) of every text, an empty one too; undefined where it puts none.
 */
async function outerToken(embedder: Pick<Embedder, 'tokenize'>, at: 0 | -1): Promise<number | undefined> {
  const {
    ids: [empty, text],
  } = await embedder.tokenize(['', 'a']);
  const outer = empty?.at(at);
  return outer === text?.at(at) ? outer : undefined;
}
