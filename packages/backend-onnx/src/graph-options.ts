import type { Head } from '@kimera/core';
import type { ServedVariant } from '@kimera/fast-graph';
import type { ModelFolder, SpaceFileVariant } from '@kimera/model-folder';
import { join } from 'node:path';

/** Of every session: what the weights' packed form and the vectors may depend on. */
export const SESSION = {
  // The graph has the operators that are fastest; higher levels put slower ones in their place.
  graphOptimizationLevel: 'basic',
  interOpNumThreads: 1,
  // Shapes differ from batch to batch.
  enableMemPattern: false,
} as const;

/** How a graph is run. */
export interface SessionOptions {
  readonly intraOpThreads: number;
  /**
   * `packed`: copied into the form that products are fastest in. `mapped`: read where the file is mapped, slower, in a
   * fraction of the memory and of the time to load.
   */
  readonly weights: 'packed' | 'mapped';
  readonly executionProvider: ExecutionProvider;
}

/** What a session is opened for. */
export interface GraphOptions extends SessionOptions {
  /** Of the fast graph. */
  readonly graphPath: string;
  /** Graph that tells whether this processor can run the fast graph. */
  readonly selfTestPath?: string;
  /** What runs in its place where it cannot; absent: the variant is refused there. */
  readonly unsignedPath?: string;
  /** What the graph must be able to compute. */
  readonly heads: readonly Head[];
}

export function graphOptions(
  folder: ModelFolder,
  { graphs: { fast, selfTest, unsigned } }: SpaceFileVariant,
  session: SessionOptions,
): GraphOptions {
  return {
    ...session,
    graphPath: join(folder.path, fast),
    heads: folder.space.heads,
    ...(selfTest === undefined ? {} : { selfTestPath: join(folder.path, selfTest) }),
    ...(unsigned === undefined ? {} : { unsignedPath: join(folder.path, unsigned) }),
  };
}

/**
 * Execution providers that onnxruntime-node 1.30 has on some platform: cuda, tensorrt (Linux x64 and Windows, their
 * libraries installed apart), webgpu, coreml (macOS), dml (DirectML, Windows). docs/execution-providers.md says how to
 * get them.
 */
export const EXECUTION_PROVIDERS = ['cpu', 'cuda', 'tensorrt', 'webgpu', 'coreml', 'dml'] as const;
export type ExecutionProvider = (typeof EXECUTION_PROVIDERS)[number];

/** Name of the native backend on a provider: `onnx`, `onnx-cuda`. */
export function nativeBackendName(provider: ExecutionProvider): string {
  return provider === 'cpu' ? 'onnx' : `onnx-${provider}`;
}

/** A graph with its weights as the kernels take them, in files that sessions map instead of copying. */
export interface PackedGraph {
  readonly path: string;
  /** The graph of the model folder that it was made from. */
  readonly source: 'fast' | 'unsigned';
  /** What its files were when they were checked (`packed/entry.ts`). */
  readonly identity: string;
}

/** What a worker loads. */
export interface WorkerData {
  readonly graph: GraphOptions;
  /** What the graph must be before it serves. */
  readonly served: ServedVariant;
  /** What is loaded instead where it serves. */
  readonly packed?: PackedGraph | undefined;
}

/** What a worker tells when it is ready: whether others share its weights, and why not where they should. */
export interface WorkerNote {
  readonly shared: boolean;
  readonly refused?: string;
}
