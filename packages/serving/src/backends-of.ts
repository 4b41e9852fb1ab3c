import { nativeBackendName, openOnnxBackend, type PackedWeightsEvent } from '@kimera/backend-onnx';
import { openWasmBackend } from '@kimera/backend-wasm';
import type { InferenceBackend, VariantChoice, VariantName } from '@kimera/core';
import type { FolderBackend } from '@kimera/embedder';
import type { ModelFolder } from '@kimera/model-folder';
import type { BackendChoice } from './configuration.js';
import { isNamed, isWrongHere, variantsOf } from './variant-choice.js';

export interface BackendOptions {
  /** Of the native backend; default: all processors. */
  readonly threads?: number | undefined;
  /** Sessions of the native backend on the processor, side by side; default: as the load asks for. */
  readonly workers?: number | undefined;
  /** The wanted variant does not serve on this machine; the next one is tried. */
  readonly onVariantRefused?: (variant: VariantName, reason: Error) => void;
  readonly onPackedWeights?: ((event: PackedWeightsEvent) => void) | undefined;
}

/**
 * Native by each execution provider in turn, then WebAssembly: one space on all of them. WebAssembly takes the variant
 * that fits where none is named. 8 bits are for processors: other execution providers take the full precision unless it is
 * named.
 */
export function backendsOf(
  { useOnnx, executionProviders, variant, cacheFolder: cache }: BackendChoice,
  { threads, workers, onVariantRefused = () => undefined, onPackedWeights: onEvent }: BackendOptions = {},
): readonly FolderBackend[] {
  const native = executionProviders.map((executionProvider): FolderBackend => ({
    name: nativeBackendName(executionProvider),
    open: (folder) =>
      openFirst(
        folder,
        variant === 'fast' && executionProvider !== 'cpu' ? 'full' : variant,
        (name) =>
          openOnnxBackend({
            folder,
            executionProvider,
            variant: name,
            workers: executionProvider === 'cpu' ? workers : 1,
            ...(cache === undefined ? {} : { packedWeights: { cache, onEvent } }),
            ...(threads === undefined ? {} : { intraOpThreads: threads }),
          }),
        onVariantRefused,
      ),
  }));
  const named = isNamed(variant) ? { variant } : {};
  return [...(useOnnx ? native : []), { name: 'wasm', open: (folder) => openWasmBackend({ folder, ...named }) }];
}

async function openFirst(
  folder: ModelFolder,
  choice: VariantChoice,
  open: (variant: VariantName) => Promise<InferenceBackend>,
  onRefused: (variant: VariantName, reason: Error) => void,
): Promise<InferenceBackend> {
  const [wanted, next] = variantsOf(folder, choice);
  try {
    return await open(wanted.name);
  } catch (error) {
    if (next === undefined || !isWrongHere(error)) throw error;
    onRefused(wanted.name, error);
    return open(next.name);
  }
}
