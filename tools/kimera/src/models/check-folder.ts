import { verifyModel, type VerificationRow } from '@kimera/converter';
import { KimeraError } from '@kimera/core';
import { StoppedError } from '../console/command-errors.js';
import { openMeasuredBackend } from './open-measured-backend.js';

/** A folder that cannot even be opened or loaded is one line that does not hold. */
const OPENING_CODES = ['INVALID_SPACE_FILE', 'MODEL_FILE_SIZE', 'MODEL_FILE_MISSING', 'MODEL_LOAD', 'INVALID_TOKENIZER', 'UNSUPPORTED_TOKENIZER'];

export interface CheckFolderOptions {
  readonly folder: string;
  readonly checkpoint: string | undefined;
  readonly stop: AbortSignal;
}

/** The lines of the verification. @throws ModelFolderNotFoundError, StoppedError, and the checkpoint's errors. */
export async function checkFolder({ folder, checkpoint, stop }: CheckFolderOptions): Promise<readonly VerificationRow[]> {
  const stopped = new StoppedError('stopped before every check was done; nothing was changed');
  try {
    const rows = await verifyModel({ folder, openBackend: openMeasuredBackend(stop), ...(checkpoint === undefined ? {} : { checkpoint }) });
    if (stop.aborted) throw stopped;
    return rows;
  } catch (error) {
    if (stop.aborted) throw stopped;
    if (!(error instanceof KimeraError) || !OPENING_CODES.includes(error.code)) throw error;
    return [{ check: 'folder opens', expected: 'space.json and every file whole', actual: error.message, holds: false }];
  }
}
