import type { EmbeddingSpace, Head, Variant, VariantName } from '../space.js';
import type { TokenBatch } from './token-batch.js';

/** Before or behind the runs that were asked for earlier and have not begun. */
export type RunOrder = 'first' | 'last';

/** Which heads to compute; the others cost nothing. */
export interface HeadRequest {
  readonly heads: readonly Head[];
  /** `false`: dense vectors as long as the pooling makes them, where the space divides them by their norm. */
  readonly normalize?: false | undefined;
  /** Default 'last'. A backend without a queue of its own need not look at it. */
  readonly order?: RunOrder;
}

/** Output for B texts. A head that was not asked for is absent. */
export interface BackendOutput {
  /** The variant that computed it, where a backend has more than one. */
  readonly variant?: VariantName;
  /** [B, D] row-major. */
  readonly dense?: Float32Array;
  /** Per text, token id → weight > 0. */
  readonly sparse?: readonly ReadonlyMap<number, number>[];
  /** Per text [T', C] row-major, T' as the model's convention drops special tokens, C the head's dimension. */
  readonly colbert?: readonly Float32Array[];
}

/** Runs one model of one space on token ids. Safe to call concurrently. */
export interface InferenceBackend {
  /** 'onnx', 'wasm', 'static', 'hashed'. */
  readonly name: string;
  readonly space: EmbeddingSpace;
  readonly variant: Variant;
  /**
   * A batch of 0 texts gives empty outputs.
   * @throws InvalidTokenBatchError (offsets, length over maxTokens, ids beyond the vocabulary), UnsupportedHeadError,
   * UnnormalizedOutputError (`normalize: false` of a graph that has no such output), ClosedError, and the backend's own
   * failures.
   */
  run(batch: TokenBatch, request: HeadRequest): Promise<BackendOutput>;
  close(): Promise<void>;
}
