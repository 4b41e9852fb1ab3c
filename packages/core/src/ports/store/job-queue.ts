import type { KeyRange } from './collection.js';
import type { PoisonRow } from './poison-row.js';
import type { NewVector, WriteResult } from './vectors.js';

/** A claimed key range of a migration's backfill. */
export interface BackfillJob {
  readonly id: string;
  readonly migration: string;
  readonly range: KeyRange;
  /** Which of the times that the job was taken. */
  readonly attempt: number;
}

export interface JobCounts {
  readonly waiting: number;
  readonly active: number;
  readonly done: number;
  /** Given up after the last attempt. */
  readonly failed: number;
}

/** Of all workers. */
export interface JobProgress extends JobCounts {
  /** Rows of the jobs that are done. */
  readonly rows: number;
  /** Over the last minute, or since the first job was taken; 0 before one is done. */
  readonly rowsPerSecond: number;
}

/** Backfill jobs: done at least once, with the effect of once. */
export interface JobQueue {
  enqueue(migration: string, ranges: readonly KeyRange[]): Promise<void>;
  /** A waiting job, or one whose lease of `leaseSeconds` ran out under a worker that died. */
  claim(migration: string, leaseSeconds: number): Promise<BackfillJob | undefined>;
  /**
   * One transaction: vectors written where their hash is still the row's, poison rows recorded, job done. A job that
   * another worker has finished meanwhile changes nothing.
   */
  complete(job: BackfillJob, vectors: readonly NewVector[], poison: readonly PoisonRow[]): Promise<WriteResult>;
  /** The lease starts anew. False where the job is another worker's by now, or done, or discarded. */
  renew(job: BackfillJob, leaseSeconds: number): Promise<boolean>;
  /** Gives the job back at once, for another attempt. */
  release(job: BackfillJob, reason: string): Promise<void>;
  counts(migration: string): Promise<JobCounts>;
  progress(migration: string): Promise<JobProgress>;
  /** Removes the jobs of a migration. */
  discard(migration: string): Promise<void>;
}
