import type { Head } from '@kimera/core';

/** B texts of T tokens each. Structured-cloneable: it crosses to worker threads. */
export interface GroupRequest {
  /** [B, T]. */
  readonly ids: Int32Array;
  readonly texts: number;
  readonly tokens: number;
  readonly heads: readonly Head[];
  /** [B]. */
  readonly promptTokens: Int32Array;
}
/** Those heads that were asked for: dense [B, D], sparse [B, T], colbert [B, T - 1, C]. */
export type GroupResponse = Readonly<Partial<Record<Head, Float32Array<ArrayBuffer>>>>;
