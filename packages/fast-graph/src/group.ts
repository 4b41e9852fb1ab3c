import type { Head } from '@kimera/core';

/** One run of the graph: B texts of T tokens each. Structured-cloneable: it crosses to worker threads. */
export interface GroupRequest {
  /** [B, T]. */
  readonly ids: Int32Array;
  readonly texts: number;
  readonly tokens: number;
  readonly heads: readonly Head[];
  /** `false`: dense as the pooling makes it, where the graph divides it by its norm. */
  readonly normalize?: false | undefined;
  /** [B]. */
  readonly promptTokens: Int32Array;
}
/** Those heads that were asked for: dense [B, D], sparse [B, T], colbert [B, T - 1, C]. */
export type GroupResponse = Readonly<Partial<Record<Head, Float32Array<ArrayBuffer>>>>;
