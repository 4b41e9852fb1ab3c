import type { BackfillJob, JobCounts, JobProgress, KeyRange } from '@kimera/core';

interface HeldJob {
  job: BackfillJob;
  state: keyof JobCounts;
  attempts: number;
  /** In the clock's milliseconds. */
  leaseEnds: number;
  taken: number;
  finished: number;
  rows: number;
}

const RECENT_MILLISECONDS = 60_000;

/** Backfill jobs of all migrations, taken in the order in which they came. */
export class InMemoryJobs {
  readonly #jobs = new Map<string, HeldJob>();
  #next = 1;

  /** `attempts`: after this many a job is given up. `now`: milliseconds. */
  constructor(
    private readonly attempts: number,
    private readonly now: () => number,
  ) {}

  enqueue(migration: string, ranges: readonly KeyRange[]): void {
    for (const range of ranges) {
      const job = { id: `job-${this.#next++}`, migration, range, attempt: 0 };
      this.#jobs.set(job.id, { job, state: 'waiting', attempts: 0, leaseEnds: 0, taken: 0, finished: 0, rows: 0 });
    }
  }

  claim(migration: string, leaseSeconds: number): BackfillJob | undefined {
    const jobs = this.#of(migration);
    for (const held of jobs) if (held.state === 'active' && held.leaseEnds < this.now()) this.#back(held);
    const next = jobs.find(({ state }) => state === 'waiting');
    if (next === undefined) return undefined;
    next.state = 'active';
    if (next.attempts === 0) next.taken = this.now();
    next.attempts += 1;
    next.leaseEnds = this.now() + leaseSeconds * 1000;
    next.job = { ...next.job, attempt: next.attempts };
    return next.job;
  }

  /** False where the job is not under way (any more). */
  finish(id: string, rows: number): boolean {
    const held = this.#jobs.get(id);
    if (held?.state !== 'active') return false;
    held.state = 'done';
    held.finished = this.now();
    held.rows = rows;
    return true;
  }

  renew({ id, attempt }: BackfillJob, leaseSeconds: number): boolean {
    const held = this.#jobs.get(id);
    if (held?.state !== 'active' || held.attempts !== attempt) return false;
    held.leaseEnds = this.now() + leaseSeconds * 1000;
    return true;
  }

  release(id: string): void {
    const held = this.#jobs.get(id);
    if (held?.state === 'active') this.#back(held);
  }

  counts(migration: string): JobCounts {
    const count = (wanted: keyof JobCounts): number =>
      this.#of(migration).filter(({ state }) => state === wanted).length;
    return { waiting: count('waiting'), active: count('active'), done: count('done'), failed: count('failed') };
  }

  progress(migration: string): JobProgress {
    const jobs = this.#of(migration);
    const done = jobs.filter(({ state }) => state === 'done');
    const since = Math.max(
      this.now() - RECENT_MILLISECONDS,
      Math.min(...jobs.filter(({ attempts }) => attempts > 0).map(({ taken }) => taken)),
    );
    const sum = (some: readonly HeldJob[]): number => some.reduce((rows, held) => rows + held.rows, 0);
    const recent = sum(done.filter(({ finished }) => finished > since));
    const seconds = (this.now() - since) / 1000;
    return { ...this.counts(migration), rows: sum(done), rowsPerSecond: seconds > 0 ? recent / seconds : 0 };
  }

  discard(migration: string): void {
    for (const { job } of this.#of(migration)) this.#jobs.delete(job.id);
  }

  #of(migration: string): readonly HeldJob[] {
    return [...this.#jobs.values()].filter(({ job }) => job.migration === migration);
  }

  #back(held: HeldJob): void {
    held.state = held.attempts < this.attempts ? 'waiting' : 'failed';
  }
}
