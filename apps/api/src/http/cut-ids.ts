import type { Embedder } from '@kimera/embedder';

/**
 * Lists of ids as the tokenizer would have cut their texts: the first ones, and last the token that ends every text
 * where the list has it.
 * B lists of at most the model's limit.
 */
export async function cutIds(
  embedder: Pick<Embedder, 'space' | 'tokenize'>,
  lists: readonly Int32Array[],
): Promise<readonly Int32Array[]> {
  const { maxTokens } = embedder.space;
  if (lists.every(({ length }) => length <= maxTokens)) return lists;
  const end = await endToken(embedder);
  return lists.map((ids) => {
    if (ids.length <= maxTokens) return ids;
    const cut = ids.slice(0, maxTokens);
    if (end !== undefined && ids.at(-1) === end) cut[maxTokens - 1] = end;
    return cut;
  });
}

/** The token that the tokenizer puts behind every text, an empty one too; undefined where it puts none. */
async function endToken(embedder: Pick<Embedder, 'tokenize'>): Promise<number | undefined> {
  const {
    ids: [empty, text],
  } = await embedder.tokenize(['', 'a']);
  const end = empty?.at(-1);
  return end === text?.at(-1) ? end : undefined;
}
