import type { Head } from '@kimera/core';

/** What a worker loads. */
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
