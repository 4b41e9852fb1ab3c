import type { Head } from '@kimera/core';
import type { ServedVariant } from '@kimera/fast-graph';
import type { ModelFolder, SpaceFileVariant } from '@kimera/model-folder';
import { join } from 'node:path';

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

/** What a worker loads. */
export interface WorkerData {
  readonly graph: GraphOptions;
  /** What the graph must be before it serves. */
  readonly served: ServedVariant;
}
