import type { Head } from '@kimera/core';
import { checkInt8, FastGraph, ModelLoadError, reasonOf } from '@kimera/fast-graph';
import type { ExecutionProvider } from './execution-providers.js';
import { openNativeSession, type NativeSession } from './native-session.js';

/** What a session is opened for. */
export interface GraphOptions {
  /** Of the fast graph. */
  readonly graphPath: string;
  readonly intraOpThreads: number;
  /**
   * `packed`: copied into the form that products are fastest in. `mapped`: read where the file is mapped, slower, in a fraction of the memory and of
   * the time to load.
   */
  readonly weights: 'packed' | 'mapped';
  readonly executionProvider: ExecutionProvider;
  /** Graph that tells whether this processor can run the variant. */
  readonly selfTestPath?: string;
  /** What the graph must be able to compute. */
  readonly heads: readonly Head[];
}

/** @throws ModelLoadError, Int8SaturationError. */
export async function openGraph({ graphPath, intraOpThreads, weights, executionProvider, selfTestPath, heads }: GraphOptions): Promise<{ readonly graph: FastGraph; readonly session: NativeSession }> {
  if (selfTestPath !== undefined) {
    const selfTest = await open(selfTestPath, { intraOpNumThreads: 1 });
    await checkInt8(selfTest, selfTestPath);
    await selfTest.release();
  }
  const session = await open(graphPath, {
    executionProviders: [executionProvider],
    graphOptimizationLevel: 'all',
    intraOpNumThreads: intraOpThreads,
    interOpNumThreads: 1,
    // Shapes differ from batch to batch.
    enableMemPattern: false,
    extra: { session: { intra_op: { allow_spinning: '0' }, set_denormal_as_zero: '1', ...(weights === 'mapped' ? { disable_prepacking: '1' } : {}) } },
  });
  return { graph: new FastGraph(session, graphPath, heads), session };
}

function open(path: string, options: Parameters<typeof openNativeSession>[1]): Promise<NativeSession> {
  return openNativeSession(path, options).catch((error: unknown) => {
    throw new ModelLoadError(path, reasonOf(error));
  });
}
