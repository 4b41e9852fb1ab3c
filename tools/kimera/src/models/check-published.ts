import { StoppedError } from '../errors.js';
import type { PublishedFacts } from '../published/published-facts.js';
import { verifyPublished, type PublishedReport } from '../published/verify-published.js';
import { openMeasuredBackend } from './open-measured-backend.js';
import { isOpeningError } from './opening-error.js';

export interface CheckPublishedOptions {
  readonly folder: string;
  readonly facts: PublishedFacts;
  readonly stop: AbortSignal;
}

/** The comparison on the native backend, or undefined where the folder does not open. @throws StoppedError. */
export async function checkPublished({
  folder,
  facts,
  stop,
}: CheckPublishedOptions): Promise<PublishedReport | undefined> {
  try {
    return await verifyPublished({ folder, facts, openBackend: openMeasuredBackend(stop) });
  } catch (error) {
    if (stop.aborted) throw new StoppedError('stopped before every published fact was compared; nothing was changed');
    if (isOpeningError(error)) return undefined;
    throw error;
  }
}
