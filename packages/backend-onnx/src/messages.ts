import type { Head } from '@kimera/core';

export interface WorkerData {
  /** Of the fast graph. */
  readonly graphPath: string;
  readonly intraOpThreads: number;
  readonly weights: 'packed' | 'mapped';
  /** Graph that tells whether this processor can run the variant. */
  readonly selfTestPath?: string;
  /** What the graph must be able to compute. */
  readonly heads: readonly Head[];
}
/** B texts of T tokens each. */
export interface GroupRequest {
  readonly ids: Int32Array;
  readonly texts: number;
  readonly tokens: number;
  readonly heads: readonly Head[];
  /** [B]. */
  readonly promptTokens: Int32Array;
}
/** Those heads that were asked for: dense [B, D], sparse [B, T], colbert [B, T - 1, C]. */
export type GroupResponse = Readonly<Partial<Record<Head, Float32Array<ArrayBuffer>>>>;
