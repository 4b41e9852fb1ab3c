import type { Head } from '@kimera/core';
import type { Served } from '@kimera/fast-graph';
import type { ExecutionProvider } from './execution-providers.js';

/** What a worker loads. */
export interface WorkerData {
  /** Of the fast graph. */
  readonly graphPath: string;
  readonly intraOpThreads: number;
  readonly weights: 'packed' | 'mapped';
  readonly executionProvider: ExecutionProvider;
  /** Graph that tells whether this processor can run the variant. */
  readonly selfTestPath?: string;
  /** What the graph must be able to compute. */
  readonly heads: readonly Head[];
  /** What it must be before it serves; absent where a folder is measured. */
  readonly served?: Served;
}
