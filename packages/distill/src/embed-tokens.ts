import { tokenBatch, type InferenceBackend } from '@kimera/core';

/** Tokens of one batch. */
const BATCH_TOKENS = 4_096;

export interface EmbedTokensOptions {
  /** Called after each batch with its tokens. */
  readonly onTokens?: (tokens: number) => void;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Dense vectors [B, N] of texts of token ids, of like length together. @throws the backend's errors, the signal's
 * reason.
 */
export async function embedTokens(
  backend: InferenceBackend,
  texts: readonly Int32Array[],
  { onTokens, signal }: EmbedTokensOptions = {},
): Promise<Float32Array> {
  const { dimension } = backend.space;
  const vectors = new Float32Array(texts.length * dimension);
  const order = Array.from(texts.keys()).sort((a, b) => (texts[a]?.length ?? 0) - (texts[b]?.length ?? 0) || a - b);
  for (let from = 0; from < order.length;) {
    signal?.throwIfAborted();
    const batch: number[] = [];
    let tokens = 0;
    for (; from < order.length; from++) {
      const text = order[from] as number;
      const length = texts[text]?.length ?? 0;
      if (batch.length > 0 && tokens + length > BATCH_TOKENS) break;
      batch.push(text);
      tokens += length;
    }
    const { dense = new Float32Array() } = await backend.run(tokenBatch(batch.map((text) => texts[text] ?? [])), {
      heads: ['dense'],
    });
    batch.forEach((text, row) => vectors.set(dense.subarray(row * dimension, (row + 1) * dimension), text * dimension));
    onTokens?.(tokens);
  }
  return vectors;
}
