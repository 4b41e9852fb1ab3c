import { randomUUID } from 'node:crypto';
import type { BackfillJob, JobCounts, JobQueue, KeyRange, NewVector, PoisonRow, WriteResult } from '@kimera/core';
import PgBoss from 'pg-boss';
import { z } from 'zod';
import { JOB_ATTEMPTS } from './limits.js';
import { readMigration } from './migration-rows.js';
import { recordPoison } from './poison.js';
import { writeFreshVectors } from './put-vectors.js';
import { readSource, readSpace } from './source.js';
import type { Database } from './sql/database.js';
import type { Queryable } from './sql/queryable.js';

const SCHEMA = 'kimera_jobs';

const key = z.string().nullable();
const jobRow = z.object({ id: z.string(), data: z.object({ after: key, upTo: key }) });
const affected = z.object({ count: z.coerce.number() });

/** Jobs in pg-boss' tables: its states and its `FOR UPDATE SKIP LOCKED`, our transactions; none of its timers. */
export class PostgresJobs implements JobQueue {
  private constructor(
    private readonly database: Database,
    private readonly boss: PgBoss,
  ) {}

  static async open(database: Database): Promise<PostgresJobs> {
    const db = {
      // pg-boss gives its scripts without values, against its own types.
      executeSql: (text: string, values?: unknown[]) =>
        values === undefined ? database.scripted(text) : database.executeSql(text, values),
    };
    const boss = new PgBoss({ db, schema: SCHEMA, supervise: false, schedule: false, migrate: true });
    await boss.start();
    return new PostgresJobs(database, boss);
  }

  async enqueue(migration: string, ranges: readonly KeyRange[]): Promise<void> {
    await readMigration(this.database, migration);
    const name = queueOf(migration);
    await this.boss.createQueue(name, {
      name,
      policy: 'standard',
      retryLimit: JOB_ATTEMPTS - 1,
      retryDelay: 0,
      retryBackoff: false,
    });
    // Jobs of one insertion are taken in the order of their ids.
    const prefix = randomUUID().slice(0, 24);
    await this.boss.insert(
      ranges.map((data, i) => ({ id: `${prefix}${i.toString(16).padStart(12, '0')}`, name, data })),
    );
  }

  async claim(migration: string, leaseSeconds: number): Promise<BackfillJob | undefined> {
    await readMigration(this.database, migration);
    const job = await this.#claimOnce(migration, leaseSeconds);
    if (job !== undefined) return job;
    await this.boss.expire();
    return this.#claimOnce(migration, leaseSeconds);
  }

  async complete(job: BackfillJob, vectors: readonly NewVector[], poison: readonly PoisonRow[]): Promise<WriteResult> {
    return this.database.transaction(async (sql) => {
      const { collection, target } = await readMigration(sql, job.migration);
      const source = await readSource(sql, collection);
      const held = await readSpace(sql, collection, target.fingerprint, 'held');
      const db = new BossDatabase(sql);
      await this.boss.complete(queueOf(job.migration), job.id, {}, { db });
      if (db.only(affected)?.count !== 1) return { written: 0, outdated: 0 };
      const result = await writeFreshVectors(sql, source, held, vectors);
      await recordPoison(sql, job.migration, source, held, poison);
      return result;
    });
  }

  async release(job: BackfillJob, reason: string): Promise<void> {
    await this.boss.fail(queueOf(job.migration), job.id, { reason: reason.replaceAll('\0', '') });
  }

  async counts(migration: string): Promise<JobCounts> {
    await readMigration(this.database, migration);
    const states = new Map(
      (
        await this.database.rows(
          z.object({ state: z.string(), count: z.number() }),
          `SELECT state::text, count(*)::float8 AS count FROM ${SCHEMA}.job WHERE name = $1 GROUP BY state`,
          [queueOf(migration)],
        )
      ).map(({ state, count }) => [state, count]),
    );
    const of = (...names: readonly string[]): number => names.reduce((sum, name) => sum + (states.get(name) ?? 0), 0);
    return { waiting: of('created', 'retry'), active: of('active'), done: of('completed'), failed: of('failed') };
  }

  async discard(migration: string): Promise<void> {
    await readMigration(this.database, migration);
    // pg-boss 10.4.2 cannot delete a queue that has jobs: its foreign key restricts.
    await this.database.run(`DELETE FROM ${SCHEMA}.job WHERE name = $1`, [queueOf(migration)]);
    await this.boss.deleteQueue(queueOf(migration));
  }

  /** pg-boss fixes a lease when a job is sent; here it is the worker that knows how long it needs. */
  async #claimOnce(migration: string, leaseSeconds: number): Promise<BackfillJob | undefined> {
    const name = queueOf(migration);
    return this.database.transaction(async (sql) => {
      const db = new BossDatabase(sql);
      await this.boss.fetch(name, { db, batchSize: 1, priority: false, ignoreStartAfter: true });
      const job = db.only(jobRow);
      if (job === undefined) return undefined;
      await sql.run(`UPDATE ${SCHEMA}.job SET expire_in = make_interval(secs => $3) WHERE name = $1 AND id = $2`, [
        name,
        job.id,
        leaseSeconds,
      ]);
      return { id: job.id, migration, range: job.data };
    });
  }
}

/**
 * A transaction as pg-boss sees it; keeps the answer and the error, of which pg-boss' `fetch` and `complete` hide what
 * matters here.
 */
class BossDatabase {
  #rows: readonly Record<string, unknown>[] = [];
  #error: Error | undefined;

  constructor(private readonly sql: Queryable) {}

  async executeSql(text: string, values: unknown[]): Promise<{ rows: Record<string, unknown>[] }> {
    try {
      const answer = await this.sql.executeSql(text, values);
      this.#rows = answer.rows;
      return answer;
    } catch (error) {
      this.#error = error instanceof Error ? error : new Error(String(error), { cause: error });
      throw error;
    }
  }

  /** The row of the last answer. @throws what the statement threw. */
  only<T>(schema: z.ZodType<T>): T | undefined {
    if (this.#error !== undefined) throw this.#error;
    const [first] = this.#rows;
    return first === undefined ? undefined : schema.parse(first);
  }
}

function queueOf(migration: string): string {
  return `backfill-${migration}`;
}
