import type { Head } from '@kimera/core';

/** One run of the graph: B texts, N tokens in all. Structured-cloneable: it crosses to worker threads. */
export interface RunRequest {
  /** [N]: the texts back to back, group by group. */
  readonly ids: Int32Array;
  readonly groups: readonly GroupSize[];
  readonly heads: readonly Head[];
  /** `false`: dense as the pooling makes it, where the graph divides it by its norm. */
  readonly normalize?: false | undefined;
  /** [B]. */
  readonly promptTokens: Int32Array;
}

/** So many texts of so many tokens each. */
export interface GroupSize {
  readonly texts: number;
  readonly tokens: number;
}

/** Those heads that were asked for, in the order of the texts: dense [B, D], sparse [N], colbert [N - B, C]. */
export type RunResponse = Readonly<Partial<Record<Head, Float32Array<ArrayBuffer>>>>;
