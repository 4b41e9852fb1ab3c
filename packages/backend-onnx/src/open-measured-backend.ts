import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import type { InferenceBackend, VariantName } from '@kimera/core';
import { GraphBackend, SessionRunner } from '@kimera/fast-graph';
import { chooseVariant, type ModelFolder } from '@kimera/model-folder';
import { nativeBackendName } from './execution-providers.js';
import { TOKENS_OF_A_RUN } from './onnx-backend.js';
import { probeNative } from './probe-native.js';

/**
 * A variant of a folder that is measured, not served: no probe is checked, and it runs in the caller's thread, which each run blocks, on weights where
 * their file is mapped. @throws NativeRuntimeError, ModelLoadError, Int8SaturationError, UnknownVariantError.
 */
export async function openMeasuredBackend(folder: ModelFolder, variantName?: VariantName): Promise<InferenceBackend> {
  const variant = chooseVariant(folder, variantName);
  const { fast, selfTest } = variant.graphs;
  const name = nativeBackendName('cpu');
  // Loads the addon; where that fails, the probe says why.
  const { openGraph } = await import('./open-graph.js').catch(async (error: unknown) => {
    await probeNative();
    throw error;
  });
  const { graph, session } = await openGraph({
    graphPath: join(folder.path, fast),
    intraOpThreads: availableParallelism(),
    weights: 'mapped',
    executionProvider: 'cpu',
    heads: folder.space.heads,
    ...(selfTest === undefined ? {} : { selfTestPath: join(folder.path, selfTest) }),
  });
  return new GraphBackend({ name, folder, variant, runner: new SessionRunner(name, graph, () => session.release()), tokensOfARun: TOKENS_OF_A_RUN });
}
