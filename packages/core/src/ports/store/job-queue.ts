import type { KeyRange } from './collection.js';
import type { NewVector, WriteResult } from './vectors.js';

/** A claimed key range of a migration's backfill. */
export interface BackfillJob {
  readonly id: string;
  readonly migration: string;
  readonly range: KeyRange;
}

export interface JobCounts {
  readonly waiting: number;
  readonly active: number;
  readonly done: number;
  /** Given up after the last attempt. */
  readonly failed: number;
}

/** A row that could not be embedded, and why. It blocks cutover until it is excused. */
export interface PoisonRow {
  readonly id: string;
  readonly contentHash: string;
  readonly reason: string;
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
  /** Gives the job back at once, for another attempt. */
  release(job: BackfillJob, reason: string): Promise<void>;
  counts(migration: string): Promise<JobCounts>;
  /** Removes the jobs of a migration. */
  discard(migration: string): Promise<void>;
}
