import type { JobProgress } from '@kimera/core';
import type { MigrationStorePorts } from '../parts.js';
import type { WorkTally } from './collection-worker.js';

export interface WorkProgress {
  /** Of all workers of the migration. */
  readonly all: JobProgress;
  /** Until no job is left, at the speed of all workers; null where it is not known yet. */
  readonly secondsLeft: number | null;
  /** By this worker. */
  readonly rows: number;
  readonly rowsPerSecond: number;
}

/** The table of jobs is read once in this long, however often a batch ends: with a million jobs that takes a third of a second. */
const READ_MILLISECONDS = 2_000;

/** Tells what all workers of a migration have done, and this one. */
export class Progress {
  readonly #started = performance.now();
  #read = -Infinity;
  #all: JobProgress | undefined;

  constructor(
    private readonly store: Pick<MigrationStorePorts, 'jobs'>,
    private readonly migration: string,
    private readonly tally: WorkTally,
    private readonly onProgress: ((progress: WorkProgress) => void) | undefined,
  ) {}

  async report(): Promise<void> {
    if (this.onProgress === undefined) return;
    if (this.#all === undefined || performance.now() - this.#read > READ_MILLISECONDS) {
      this.#all = await this.store.jobs.progress(this.migration);
      this.#read = performance.now();
    }
    const { written } = this.tally;
    this.onProgress({
      all: this.#all,
      secondsLeft: secondsLeft(this.#all),
      rows: written,
      rowsPerSecond: written / ((performance.now() - this.#started) / 1000),
    });
  }
}

/** Until no job is left, jobs that are left being as large as those that are done; null where that is not known yet. */
export function secondsLeft({ waiting, active, done, rows, rowsPerSecond }: JobProgress): number | null {
  const left = waiting + active;
  if (left === 0) return 0;
  return done === 0 || rowsPerSecond === 0 ? null : (left * (rows / done)) / rowsPerSecond;
}
