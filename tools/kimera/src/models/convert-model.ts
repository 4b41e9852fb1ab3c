import { convertCheckpoint, type ConvertOptions } from '@kimera/converter';
import type { ModelFolder } from '@kimera/model-folder';
import { StoppedError } from '../console/command-errors.js';
import { openMeasuredBackend } from './open-measured-backend.js';

export interface ConvertModelOptions extends Omit<ConvertOptions, 'openBackend' | 'signal'> {
  /** Called when the weights are written and the vectors are about to be measured. */
  readonly onMeasure: () => void;
  readonly stop: AbortSignal;
}

/** Converts on the native backend. @throws StoppedError where it was stopped, with nothing left on the disk, and convertCheckpoint's errors. */
export async function convertModel({ onMeasure, stop, ...options }: ConvertModelOptions): Promise<ModelFolder> {
  const openBackend = openMeasuredBackend(stop);
  try {
    return await convertCheckpoint({
      ...options,
      openBackend: (folder, variant) => {
        onMeasure();
        return openBackend(folder, variant);
      },
      signal: stop,
    });
  } catch (error) {
    if (stop.aborted) throw new StoppedError('stopped; nothing was written: the same command starts again');
    throw error;
  }
}
