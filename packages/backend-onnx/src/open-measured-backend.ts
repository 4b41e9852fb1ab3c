import { availableParallelism } from 'node:os';
import type { InferenceBackend, VariantName } from '@kimera/core';
import { GraphBackend, SessionRunner } from '@kimera/fast-graph';
import { chooseVariant, type ModelFolder } from '@kimera/model-folder';
import { graphOptions, nativeBackendName } from './graph-options.js';
import { ONNX_RUN_TOKENS } from './onnx-backend.js';
import { disableTelemetry } from './no-telemetry.js';
import { probeNative } from './probe-native.js';

/**
 * A variant of a folder that is measured, not served: no probe is checked, and it runs in the caller's thread, which
 * each run blocks, on weights where their file is mapped. @throws NativeRuntimeError, ModelLoadError,
 * Int8SaturationError, UnknownVariantError.
 */
export async function openMeasuredBackend(folder: ModelFolder, variantName?: VariantName): Promise<InferenceBackend> {
  const variant = chooseVariant(folder, variantName);
  const name = nativeBackendName('cpu');
  disableTelemetry();
  // Loads the addon; where that fails, the probe says why.
  const { openGraph } = await import('./open-graph.js').catch(async (error: unknown) => {
    await probeNative();
    throw error;
  });
  const { graph, session } = await openGraph(
    graphOptions(folder, variant, {
      intraOpThreads: availableParallelism(),
      weights: 'mapped',
      executionProvider: 'cpu',
    }),
  );
  return new GraphBackend({
    name,
    folder,
    variant,
    runner: new SessionRunner(name, graph, () => session.release()),
    tokensOfARun: ONNX_RUN_TOKENS,
    lengths: 'mixed',
  });
}
