import { isStaticFolder } from '@kimera/backend-light';
import { verifyModel, type VerificationRow } from '@kimera/converter';
import { StoppedError, UsageError } from '../errors.js';
import { checkStaticFolder } from './check-static-folder.js';
import { openMeasuredBackend } from './open-measured-backend.js';
import { isOpeningError } from './opening-error.js';

export interface CheckFolderOptions {
  readonly folder: string;
  readonly checkpoint: string | undefined;
  readonly stop: AbortSignal;
}

/**
 * The lines of the verification; a folder that cannot even be opened or loaded is one line that does not hold. @throws
 * ModelFolderNotFoundError, StoppedError, and the checkpoint's errors.
 */
export async function checkFolder({
  folder,
  checkpoint,
  stop,
}: CheckFolderOptions): Promise<readonly VerificationRow[]> {
  const stopped = new StoppedError('stopped before every check was done; nothing was changed');
  try {
    if (await isStaticFolder(folder)) {
      if (checkpoint !== undefined)
        throw new UsageError('--against compares a converted model with its checkpoint; a static model has none');
      return await checkStaticFolder(folder);
    }
    const rows = await verifyModel({
      folder,
      openBackend: openMeasuredBackend(stop),
      ...(checkpoint === undefined ? {} : { checkpoint }),
    });
    if (stop.aborted) throw stopped;
    return rows;
  } catch (error) {
    if (stop.aborted) throw stopped;
    if (!isOpeningError(error)) throw error;
    return [
      { check: 'folder opens', expected: 'space.json and every file whole', actual: error.message, holds: false },
    ];
  }
}
