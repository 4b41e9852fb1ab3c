import type { Embedder } from '@kimera/embedder';
import type { Embedding, EncodeTextOptions, Role } from '@kimera/core';
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
  readonly signal: AbortSignal;
  /** Message of a text beyond the limit, in the words of the route's contract. */
  readonly tooLong: (limit: number, actual: number, index: number) => string;
}

/** Embeddings of any form of input, in order. @throws HttpError where a text is beyond the limit and may not be cut. */
export async function embedInput(embedder: Embedder, input: Input, { role, truncate, signal, tooLong }: EmbedInputOptions): Promise<readonly Embedding[]> {
  const { maxTokens } = embedder.space;
  const options: EncodeTextOptions = { signal, ...(role === undefined ? {} : { role }) };
  const refuse = (actual: number, index: number): never => {
    throw new HttpError('input_too_long', tooLong(maxTokens, actual, index), 'input', { limit: maxTokens, actual, index });
  };
  const items = typeof input === 'string' ? [input] : input;
  const texts = items.filter((item) => typeof item === 'string');
  if (texts.length === items.length) {
    const embeddings = await embedder.encodeBatch(texts, options);
    const cut = embeddings.findIndex((embedding) => embedding.truncated);
    if (cut >= 0 && !truncate) refuse(embeddings[cut]?.totalTokens ?? 0, cut);
    return embeddings;
  }
  const numbers = items.filter((item) => typeof item === 'number');
  const lists = numbers.length > 0 ? [numbers] : items.filter((item) => Array.isArray(item));
  lists.forEach((ids, index) => {
    if (ids.length > maxTokens && !truncate) refuse(ids.length, index);
    const beyond = ids.find((id) => id > MAX_TOKEN_ID);
    if (beyond !== undefined) throw new HttpError('invalid_token_id', `token id ${beyond} of input ${index} is beyond ${MAX_TOKEN_ID}`, 'input', { limit: MAX_TOKEN_ID, actual: beyond, index });
  });
  return embedder.encodeTokens(lists.map((ids) => Int32Array.from(ids.slice(0, maxTokens))), { signal, totalTokens: lists.map((ids) => ids.length) });
}
