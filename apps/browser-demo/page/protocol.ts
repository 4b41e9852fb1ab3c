import type { Embedding } from '@kimera/core';

/** To the worker: texts to embed, one call after the other. */
export interface EmbedRequest {
  readonly texts: readonly string[];
}
/** From the worker: once when the model is open, then one for each request. */
export type WorkerAnswer =
  | {
      readonly kind: 'ready';
      readonly modelId: string;
      readonly space: string;
      readonly variant: string;
      readonly milliseconds: number;
    }
  | { readonly kind: 'embedded'; readonly embeddings: readonly Embedding[]; readonly milliseconds: number }
  | { readonly kind: 'failed'; readonly code: string; readonly message: string };
