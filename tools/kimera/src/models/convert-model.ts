import { convertCheckpoint, type ConvertOptions } from '@kimera/converter';
import type { ModelFolder } from '@kimera/model-folder';
import { StoppedError } from '../errors.js';
import { readPullRecord, unchangedFiles } from '../hub/folder/pull-folder.js';
import { openMeasuredBackend } from './open-measured-backend.js';

export interface ConvertModelOptions extends Omit<ConvertOptions, 'openBackend' | 'signal' | 'vouched'> {
  readonly stop: AbortSignal;
}

/**
 * Converts on the native backend; a checkpoint that was pulled keeps its id, and its files that were not touched since
 * are not hashed again. @throws InvalidPullRecordError, StoppedError where it was stopped, with nothing left on the
 * disk, and convertCheckpoint's errors.
 */
export async function convertModel({ stop, ...options }: ConvertModelOptions): Promise<ModelFolder> {
  const record = await readPullRecord(options.source);
  const modelId = options.modelId ?? record?.id;
  const vouched = record === undefined ? {} : await unchangedFiles(options.source, record);
  try {
    return await convertCheckpoint({
      ...options,
      ...(modelId === undefined ? {} : { modelId }),
      vouched,
      openBackend: openMeasuredBackend(stop),
      signal: stop,
    });
  } catch (error) {
    if (stop.aborted) throw new StoppedError('stopped; nothing was written: the same command starts again');
    throw error;
  }
}
