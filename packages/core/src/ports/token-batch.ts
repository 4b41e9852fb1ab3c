import { InvalidTokenBatchError } from '../errors.js';

/**
 * Token ids of B texts, back to back; text i is ids[offsets[i] .. offsets[i+1]), offsets has B+1 entries. Never padded.
 */
export interface TokenBatch {
  readonly ids: Int32Array;
  readonly offsets: Int32Array;
  /**
   * [B] Tokens at the head of each text that are its prompt's, [CLS] included; none where absent. Only spaces with
   * `promptPooling` look at it.
   */
  readonly promptTokens?: Int32Array;
}

export function tokenBatch(texts: readonly (readonly number[] | Int32Array)[]): TokenBatch {
  const offsets = new Int32Array(texts.length + 1);
  texts.forEach((ids, i) => {
    offsets[i + 1] = (offsets[i] ?? 0) + ids.length;
  });
  const ids = new Int32Array(offsets[texts.length] ?? 0);
  texts.forEach((text, i) => ids.set(text, offsets[i]));
  return { ids, offsets };
}

/** B. */
export function batchSize(batch: TokenBatch): number {
  return batch.offsets.length - 1;
}

/** The ids of text i, a view. */
export function textIds(batch: TokenBatch, i: number): Int32Array {
  return batch.ids.subarray(batch.offsets[i], batch.offsets[i + 1]);
}

/**
 * @throws InvalidTokenBatchError where offsets do not rise from 0 to ids.length, a text has no token, or more than
 * `maxTokens`.
 */
export function checkTokenBatch({ ids, offsets }: TokenBatch, maxTokens: number): void {
  if (offsets.length === 0 || offsets[0] !== 0) throw new InvalidTokenBatchError('offsets must start with 0');
  if (offsets[offsets.length - 1] !== ids.length)
    throw new InvalidTokenBatchError(`offsets end at ${offsets[offsets.length - 1]}, ids has ${ids.length}`);
  for (let i = 1; i < offsets.length; i++) {
    const length = (offsets[i] as number) - (offsets[i - 1] as number);
    if (length < 1) throw new InvalidTokenBatchError(`text ${i - 1} has ${length} tokens, at least 1 is needed`);
    if (length > maxTokens)
      throw new InvalidTokenBatchError(`text ${i - 1} has ${length} tokens, the limit is ${maxTokens}`);
  }
}
