import type { Served } from '@kimera/fast-graph';
import type { GraphOptions } from './graph-options.js';

/** What a worker loads. */
export interface WorkerData {
  readonly graph: GraphOptions;
  /** What the graph must be before it serves. */
  readonly served: Served;
}
