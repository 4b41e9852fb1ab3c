import { checkInt8, FastGraph, ModelLoadError, reasonOf } from '@kimera/fast-graph';
import type { GraphOptions } from './graph-options.js';
import { openNativeSession, type NativeSession } from './native-session.js';

/** @throws ModelLoadError, Int8SaturationError. */
export async function openGraph({
  graphPath,
  intraOpThreads,
  weights,
  executionProvider,
  selfTestPath,
  heads,
}: GraphOptions): Promise<{ readonly graph: FastGraph; readonly session: NativeSession }> {
  if (selfTestPath !== undefined) {
    const selfTest = await open(selfTestPath, { intraOpNumThreads: 1 });
    await checkInt8(selfTest, selfTestPath).finally(() => selfTest.release());
  }
  const session = await open(graphPath, {
    executionProviders: [executionProvider],
    // The graph has the operators that are fastest; higher levels put slower ones in their place.
    graphOptimizationLevel: 'basic',
    intraOpNumThreads: intraOpThreads,
    interOpNumThreads: 1,
    // Shapes differ from batch to batch.
    enableMemPattern: false,
    extra: {
      session: {
        intra_op: { allow_spinning: '0' },
        set_denormal_as_zero: '1',
        ...(weights === 'mapped' ? { disable_prepacking: '1' } : {}),
      },
    },
  });
  return { graph: new FastGraph(session, graphPath, heads), session };
}

function open(path: string, options: Parameters<typeof openNativeSession>[1]): Promise<NativeSession> {
  return openNativeSession(path, options).catch((error: unknown) => {
    throw new ModelLoadError(path, reasonOf(error));
  });
}
