import type { Embedder } from '@kimera/embedder';
import type { Embedding, Role } from '@kimera/core';
import { z } from 'zod';
import { HttpError } from './http-error.js';

/** Larger ids would wrap around to other tokens in the int32 that the model reads. */
const MAX_TOKEN_ID = 2 ** 31 - 1;
const tokenIds = z.array(z.int().nonnegative()).min(1);

/** `"text"`, `["text", …]`, `[ids…]` (one input), `[[ids…], …]`. */
export const inputSchema = z.union([z.string(), z.array(z.string()), tokenIds, z.array(tokenIds)]);
export type Input = z.infer<typeof inputSchema>;

export interface EmbedInputOptions {
  readonly role: Role | undefined;
  readonly truncate: boolean;
  /** `MAX_EMBEDDING_LENGTH`: tokens of an input at most, where that is less than the model's limit. Beyond it nothing is cut: a text has one vector in a space. */
  readonly maxTokens?: number | undefined;
  readonly signal: AbortSignal;
  /** Message of a text beyond the limit, in the words of the route's contract. */
  readonly tooLong: (limit: number, actual: number, index: number) => string;
}

/** Embeddings of any form of input, in order. @throws HttpError where a text is beyond the limit and may not be cut. */
export async function embedInput(embedder: Embedder, input: Input, { role, truncate, maxTokens: bound, signal, tooLong }: EmbedInputOptions): Promise<readonly Embedding[]> {
  const { maxTokens } = embedder.space;
  const limit = Math.min(maxTokens, bound ?? maxTokens);
  const check = (counts: ArrayLike<number>): void => {
    if (truncate && limit === maxTokens) return;
    const index = Array.from(counts).findIndex((count) => count > limit);
    if (index >= 0) throw new HttpError('input_too_long', tooLong(limit, counts[index] ?? 0, index), 'input', { limit, actual: counts[index] ?? 0, index });
  };
  const items = typeof input === 'string' ? [input] : input;
  const texts = items.filter((item) => typeof item === 'string');
  if (texts.length === items.length) {
    const { ids, ...counts } = await embedder.tokenize(texts, role);
    check(counts.totalTokens);
    return embedder.encodeTokens(ids, { signal, ...counts });
  }
  const numbers = items.filter((item) => typeof item === 'number');
  const lists = numbers.length > 0 ? [numbers] : items.filter((item) => Array.isArray(item));
  check(lists.map(({ length }) => length));
  lists.forEach((ids, index) => {
    const beyond = ids.find((id) => id > MAX_TOKEN_ID);
    if (beyond !== undefined) throw new HttpError('invalid_token_id', `token id ${beyond} of input ${index} is beyond ${MAX_TOKEN_ID}`, 'input', { limit: MAX_TOKEN_ID, actual: beyond, index });
  });
  return embedder.encodeTokens(lists.map((ids) => Int32Array.from(ids.slice(0, maxTokens))), { signal, totalTokens: lists.map((ids) => ids.length) });
}
