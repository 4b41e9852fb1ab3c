import { InvalidTokenBatchError, UnsupportedHeadError } from './errors.js';
import type { HeadRequest } from './ports/inference-backend.js';
import { checkTokenBatch, type TokenBatch } from './ports/token-batch.js';
import type { EmbeddingSpace } from './space.js';

/** What every backend refuses before it computes anything. @throws InvalidTokenBatchError, UnsupportedHeadError. */
export function checkRun(
  batch: TokenBatch,
  { heads }: HeadRequest,
  space: EmbeddingSpace,
  vocabularySize: number,
): void {
  checkTokenBatch(batch, space.maxTokens);
  const beyond = batch.ids.find((id) => id < 0 || id >= vocabularySize);
  if (beyond !== undefined)
    throw new InvalidTokenBatchError(`token id ${beyond} is not in the vocabulary of ${vocabularySize}`);
  checkHeads(heads, space);
}

/** @throws UnsupportedHeadError. */
export function checkHeads(heads: HeadRequest['heads'], space: EmbeddingSpace): void {
  for (const head of heads) if (!space.heads.includes(head)) throw new UnsupportedHeadError(head, space.heads);
}
