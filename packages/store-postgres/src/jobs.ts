import type {
  BackfillJob,
  JobCounts,
  JobProgress,
  JobQueue,
  KeyRange,
  NewVector,
  PoisonRow,
  WriteResult,
} from '@kimera/core';
import { z } from 'zod';
import { mirrorRows } from './in-place/mirror-rows.js';
import { JOB_ATTEMPTS, JOBS_PER_STATEMENT } from './limits.js';
import { readMigration } from './migration-rows.js';
import { recordPoison } from './poison.js';
import { writeFreshVectors } from './put-vectors.js';
import { readSource, readSpace } from './source.js';
import type { Database } from './sql/database.js';

const key = z.string().nullable();
const jobRow = z.object({ id: z.string(), after: key, up_to: key, attempts: z.int() });
const count = z.number();
const countsRow = z.object({ waiting: count, active: count, done: count, failed: count });
const progressRow = countsRow.extend({ rows: count, recent: count, seconds: count });

/** Speed is measured over the jobs that were finished within this long. */
const RECENT_SECONDS = 60;

/** Jobs in a table of our own, a row a key range (docs/decisions/2026-11-30-job-queue.md). */
export class PostgresJobs implements JobQueue {
  constructor(private readonly database: Database) {}

  async enqueue(migration: string, ranges: readonly KeyRange[]): Promise<void> {
    await this.database.transaction(async (sql) => {
      await readMigration(sql, migration);
      for (let start = 0; start < ranges.length; start += JOBS_PER_STATEMENT) {
        const slice = ranges.slice(start, start + JOBS_PER_STATEMENT);
        await sql.run(
          `INSERT INTO kimera.jobs (migration, place, after, up_to)
           SELECT $1, $2::integer + place, after, up_to FROM unnest($3::text[], $4::text[]) WITH ORDINALITY AS range (after, up_to, place)`,
          [migration, start, slice.map(({ after }) => after), slice.map(({ upTo }) => upTo)],
        );
      }
    });
  }

  async claim(migration: string, leaseSeconds: number): Promise<BackfillJob | undefined> {
    const job = await this.#claimWaiting(migration, leaseSeconds);
    if (job !== undefined) return job;
    await readMigration(this.database, migration);
    const back = await this.database.run(
      `UPDATE kimera.jobs SET ${BACK} WHERE migration = $1 AND state = 'active' AND lease_ends < clock_timestamp()`,
      [migration],
    );
    return back === 0 ? undefined : this.#claimWaiting(migration, leaseSeconds);
  }

  async complete(job: BackfillJob, vectors: readonly NewVector[], poison: readonly PoisonRow[]): Promise<WriteResult> {
    const { collection, target } = await readMigration(this.database, job.migration);
    const result = await this.database.transaction(async (sql) => {
      const source = await readSource(sql, collection);
      const held = await readSpace(sql, collection, target.fingerprint, 'held');
      const done = await sql.run(
        `UPDATE kimera.jobs SET state = 'done', rows = $3, finished = clock_timestamp() WHERE migration = $1 AND id = $2::bigint AND state = 'active'`,
        [job.migration, job.id, vectors.length + poison.length],
      );
      if (done === 0) return { written: 0, outdated: 0 };
      const { written, outdated } = await writeFreshVectors(sql, source, { ...held, mirror: null }, vectors);
      await recordPoison(sql, job.migration, source, held, poison);
      return { written, outdated };
    });
    // A column that the process leaves behind here is filled before the switch.
    if (result.written > 0 && (await readSpace(this.database, collection, target.fingerprint)).mirror !== null)
      await mirrorRows(
        this.database,
        collection,
        target.fingerprint,
        vectors.map(({ id }) => id),
      );
    return result;
  }

  async renew({ migration, id, attempt }: BackfillJob, leaseSeconds: number): Promise<boolean> {
    const renewed = await this.database.run(
      `UPDATE kimera.jobs SET lease_ends = clock_timestamp() + make_interval(secs => $4) WHERE migration = $1 AND id = $2::bigint AND attempts = $3 AND state = 'active'`,
      [migration, id, attempt, leaseSeconds],
    );
    return renewed === 1;
  }

  async release(job: BackfillJob, reason: string): Promise<void> {
    await this.database.run(
      `UPDATE kimera.jobs SET ${BACK}, reason = $3 WHERE migration = $1 AND id = $2::bigint AND state = 'active'`,
      [job.migration, job.id, reason.replaceAll('\0', '')],
    );
  }

  async counts(migration: string): Promise<JobCounts> {
    await readMigration(this.database, migration);
    const row = await this.database.row(countsRow, `SELECT ${COUNTS} FROM kimera.jobs WHERE migration = $1`, [
      migration,
    ]);
    return row ?? { waiting: 0, active: 0, done: 0, failed: 0 };
  }

  async progress(migration: string): Promise<JobProgress> {
    await readMigration(this.database, migration);
    const row = await this.database.row(
      progressRow,
      `SELECT ${COUNTS}, coalesce(sum(rows), 0)::float8 AS rows, coalesce(sum(rows) FILTER (WHERE finished > since), 0)::float8 AS recent,
              coalesce(extract(epoch FROM clock_timestamp() - greatest(since, min(taken))), 0)::float8 AS seconds
       FROM kimera.jobs, (SELECT now() - make_interval(secs => $2) AS since) window_of_time WHERE migration = $1 GROUP BY since`,
      [migration, RECENT_SECONDS],
    );
    if (row === undefined) return { waiting: 0, active: 0, done: 0, failed: 0, rows: 0, rowsPerSecond: 0 };
    const { recent, seconds, ...counts } = row;
    return { ...counts, rowsPerSecond: seconds > 0 ? recent / seconds : 0 };
  }

  async discard(migration: string): Promise<void> {
    await readMigration(this.database, migration);
    await this.database.run('DELETE FROM kimera.jobs WHERE migration = $1', [migration]);
  }

  /** One statement; jobs that other workers are just taking are passed over. */
  async #claimWaiting(migration: string, leaseSeconds: number): Promise<BackfillJob | undefined> {
    const job = await this.database.row(
      jobRow,
      `UPDATE kimera.jobs SET state = 'active', attempts = attempts + 1, taken = coalesce(taken, clock_timestamp()), lease_ends = clock_timestamp() + make_interval(secs => $2)
       WHERE id = (SELECT id FROM kimera.jobs WHERE migration = $1 AND state = 'waiting' ORDER BY place LIMIT 1 FOR UPDATE SKIP LOCKED)
       RETURNING id::text, after, up_to, attempts`,
      [migration, leaseSeconds],
    );
    if (job === undefined) return undefined;
    return { id: job.id, migration, range: { after: job.after, upTo: job.up_to }, attempt: job.attempts };
  }
}

/** A job that is not done goes back, or is given up. */
const BACK = `state = CASE WHEN attempts < ${JOB_ATTEMPTS} THEN 'waiting' ELSE 'failed' END`;
const COUNTS = ['waiting', 'active', 'done', 'failed']
  .map((state) => `count(*) FILTER (WHERE state = '${state}')::float8 AS ${state}`)
  .join(', ');
