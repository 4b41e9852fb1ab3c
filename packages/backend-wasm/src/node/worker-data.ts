import type { ServedVariant } from '@kimera/fast-graph';

/** What a worker loads. */
export interface WorkerData {
  /** Model folder. */
  readonly folder: string;
  /** Fast graph, inside the folder. */
  readonly graph: string;
  /** Files that the graph takes its weights from, inside the folder. */
  readonly weights: readonly string[];
  /** Threads of one session. */
  readonly threads: number;
  /** Graph that tells whether the runtime can run the variant, inside the folder. */
  readonly selfTest?: string;
  /** What the graph must be before it serves. */
  readonly served: ServedVariant;
}
