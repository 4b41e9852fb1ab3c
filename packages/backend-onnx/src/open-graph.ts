import { Int8SaturationError } from '@kimera/core';
import { checkInt8, FastGraph, ModelLoadError, reasonOf } from '@kimera/fast-graph';
import type { GraphOptions } from './graph-options.js';
import { openNativeSession, type NativeSession } from './native-session.js';

/** @throws ModelLoadError, Int8SaturationError. */
export async function openGraph(
  options: GraphOptions,
): Promise<{ readonly graph: FastGraph; readonly session: NativeSession }> {
  const { intraOpThreads, weights, executionProvider, heads } = options;
  const graphPath = await exactGraph(options);
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

/** The fast graph, or where its products saturate that with unsigned weights. @throws Int8SaturationError. */
async function exactGraph({ graphPath, selfTestPath, unsignedPath }: GraphOptions): Promise<string> {
  if (selfTestPath === undefined) return graphPath;
  const selfTest = await open(selfTestPath, { intraOpNumThreads: 1 });
  try {
    await checkInt8(selfTest, selfTestPath);
    return graphPath;
  } catch (error) {
    if (unsignedPath === undefined || !(error instanceof Int8SaturationError)) throw error;
    return unsignedPath;
  } finally {
    await selfTest.release();
  }
}

function open(path: string, options: Parameters<typeof openNativeSession>[1]): Promise<NativeSession> {
  return openNativeSession(path, options).catch((error: unknown) => {
    throw new ModelLoadError(path, reasonOf(error));
  });
}
