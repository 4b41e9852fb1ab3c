import type { Embedding, PromptName } from '@kimera/core';
import type { Embedder } from '@kimera/embedder';
import { cutIds } from './cut-ids.js';
import type { Input } from './parse-input.js';
import type { TokenLimit } from './token-limit.js';

export interface EmbedInputOptions {
  /** Of texts; ids are taken as they are. */
  readonly role: PromptName | undefined;
  readonly tokenLimit: TokenLimit;
  readonly signal: AbortSignal;
}

/**
 * Embeddings of any form of input, in order. @throws HttpError where a text is beyond the limit and may not be cut, the
 * embedder's errors.
 */
export async function embedInput(
  embedder: Embedder,
  input: Input,
  { role, tokenLimit, signal }: EmbedInputOptions,
): Promise<readonly Embedding[]> {
  if (input.kind === 'ids')
    return embedder.encodeTokens(await cutIds(embedder, input.ids), {
      signal,
      totalTokens: input.ids.map(({ length }) => length),
    });
  const { ids, ...counts } = await embedder.tokenize(input.texts, role);
  tokenLimit.check(counts.totalTokens);
  return embedder.encodeTokens(ids, { signal, ...counts });
}
