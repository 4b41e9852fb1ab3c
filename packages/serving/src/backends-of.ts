import { nativeBackendName, openOnnxBackend } from '@kimera/backend-onnx';
import { openWasmBackend } from '@kimera/backend-wasm';
import type { VariantName } from '@kimera/core';
import type { FolderBackend } from '@kimera/embedder';
import type { Configuration } from './configuration.js';

/**
 * Native by each execution provider in turn, then WebAssembly: one space on all of them. @param variant default: the
 * folder's first, in WebAssembly one that fits. @param threads of the native backend, default: all processors.
 */
export function backendsOf(
  { useOnnx, executionProviders }: Pick<Configuration, 'useOnnx' | 'executionProviders'>,
  variant?: VariantName,
  threads?: number,
): readonly FolderBackend[] {
  const chosen = variant === undefined ? {} : { variant };
  const native = executionProviders.map((executionProvider): FolderBackend => ({
    name: nativeBackendName(executionProvider),
    open: (folder) =>
      openOnnxBackend({
        folder,
        executionProvider,
        ...chosen,
        ...(threads === undefined ? {} : { intraOpThreads: threads }),
      }),
  }));
  return [...(useOnnx ? native : []), { name: 'wasm', open: (folder) => openWasmBackend({ folder, ...chosen }) }];
}
