import { openMeasuredBackend as openNative } from '@kimera/backend-onnx';
import type { OpenBackend } from '@kimera/converter';

/**
 * The native backend without its own check of the probes, for commands that measure a folder; a stopped command runs no
 * further batch.
 */
export function openMeasuredBackend(stop: AbortSignal): OpenBackend {
  return async (folder, variant) => {
    stop.throwIfAborted();
    const backend = await openNative(folder, variant);
    return {
      name: backend.name,
      space: backend.space,
      variant: backend.variant,
      run: async (batch, request) => {
        stop.throwIfAborted();
        return backend.run(batch, request);
      },
      close: () => backend.close(),
    };
  };
}
