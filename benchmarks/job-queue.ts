/**
 * A million backfill jobs: the store's own table (FOR UPDATE SKIP LOCKED) against pg-boss 10, both on one PostgreSQL.
 * Inserts them, lets some connections claim and complete for a while, and prints times and sizes.
 *
 *     npm install --prefix DIR pg-boss@10.4.2
 *     npx tsx benchmarks/job-queue.ts --database URL --pg-boss DIR [--jobs 1000000] [--seconds 30] [--connections 8]
 *
 * The database of the URL is for this alone: schemas `kimera` and `kimera_boss` are made in it.
 */
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { fakeSpace } from '@kimera/testing';
import { openStore } from '@kimera/store-postgres';
import pg from 'pg';
import { z } from 'zod';
import { machineLines, percentile, table } from './machine.js';

const { values } = parseArgs({
  options: {
    database: { type: 'string' },
    'pg-boss': { type: 'string' },
    jobs: { type: 'string', default: '1000000' },
    seconds: { type: 'string', default: '30' },
    connections: { type: 'string', default: '8' },
  },
});
const database = values.database ?? '';
const [jobs, seconds, connections] = [values.jobs, values.seconds, values.connections].map(Number) as [
  number,
  number,
  number,
];
const LEASE = 60;
const CLAIMED = z.object({ id: z.string() });

interface Queue {
  readonly name: string;
  insert(ranges: readonly { readonly after: string | null; readonly upTo: string | null }[]): Promise<void>;
  /** False where none was left. */
  claim(): Promise<(() => Promise<unknown>) | undefined>;
  counts(): Promise<unknown>;
  readonly tables: readonly string[];
  close(): Promise<void>;
}

const key = (i: number): string => `row-${String(i * 256).padStart(12, '0')}`;
const ranges = Array.from({ length: jobs }, (_, i) => ({
  after: i === 0 ? null : key(i),
  upTo: i === jobs - 1 ? null : key(i + 1),
}));

async function own(): Promise<Queue> {
  const store = await openStore({ database });
  const [name, space, target] = [`queue_${Date.now()}`, fakeSpace('old', { dimension: 4 }), fakeSpace('new')];
  await store.collections.createCollection(name, space);
  const { id } = await store.migrations.createMigration(name, target, 'benchmark', {});
  await store.vectors.openSpace(name, target);
  return {
    name: 'kimera.jobs',
    insert: (some) => store.jobs.enqueue(id, some),
    claim: async () => {
      const job = await store.jobs.claim(id, LEASE);
      return job === undefined ? undefined : () => store.jobs.complete(job, [], []);
    },
    counts: () => store.jobs.counts(id),
    tables: ['kimera.jobs'],
    close: () => store.close(),
  };
}

/** As the store used pg-boss: a claim is a transaction that fetches one job and sets its lease. */
async function boss(folder: string): Promise<Queue> {
  type Values = unknown[];
  interface Boss {
    start(): Promise<unknown>;
    createQueue(name: string, options: object): Promise<unknown>;
    insert(some: readonly object[]): Promise<unknown>;
    fetch(name: string, options: object): Promise<readonly { readonly id: string }[]>;
    complete(name: string, id: string, data: object, options: object): Promise<unknown>;
  }
  const PgBoss = createRequire(join(folder, 'package.json'))('pg-boss') as new (options: object) => Boss;
  const pool = new pg.Pool({ connectionString: database, max: connections });
  const db = { executeSql: (text: string, given?: Values) => pool.query(text, given) };
  const made = new PgBoss({ db, schema: 'kimera_boss', supervise: false, schedule: false, migrate: true });
  await made.start();
  const name = `backfill-${Date.now()}`;
  await made.createQueue(name, { name, policy: 'standard', retryLimit: 99, retryDelay: 0, retryBackoff: false });
  const transaction = async <T>(run: (client: pg.PoolClient) => Promise<T>): Promise<T> => {
    const client = await pool.connect();
    try {
      await client.query('BEGIN');
      const result = await run(client);
      await client.query('COMMIT');
      return result;
    } finally {
      client.release();
    }
  };
  const on = (client: pg.PoolClient) => ({ executeSql: (text: string, given: Values) => client.query(text, given) });
  return {
    name: 'pg-boss 10.4.2',
    insert: async (some) => {
      for (let from = 0; from < some.length; from += 10_000)
        await made.insert(
          some.slice(from, from + 10_000).map((data, i) => ({
            id: `00000000-0000-4000-8000-${(from + i).toString(16).padStart(12, '0')}`,
            name,
            data,
          })),
        );
    },
    claim: () =>
      transaction(async (client) => {
        const [job] = await made.fetch(name, {
          db: on(client),
          batchSize: 1,
          priority: false,
          ignoreStartAfter: true,
        });
        if (job === undefined) return undefined;
        const { id } = CLAIMED.parse(job);
        await client.query(
          'UPDATE kimera_boss.job SET expire_in = make_interval(secs => $3) WHERE name = $1 AND id = $2',
          [name, id, LEASE],
        );
        return () => transaction((own) => made.complete(name, id, {}, { db: on(own) }));
      }),
    counts: () => pool.query('SELECT state, count(*) FROM kimera_boss.job WHERE name = $1 GROUP BY state', [name]),
    tables: ['kimera_boss.job'],
    close: () => pool.end(),
  };
}

const control = new pg.Pool({ connectionString: database, max: 1 });
/** Megabytes of the tables with their partitions, toast and indexes. */
async function size(tables: readonly string[]): Promise<number> {
  const { rows } = await control.query(
    `SELECT sum(pg_total_relation_size(t.relid))::float8 / 1048576 AS size FROM unnest($1::text[]) AS name,
            (SELECT inhrelid AS relid, inhparent AS parent FROM pg_inherits UNION ALL SELECT oid, oid FROM pg_class) t WHERE t.parent = name::regclass`,
    [tables],
  );
  return z.object({ size: z.number() }).parse(rows[0]).size;
}
const timed = async (run: () => Promise<unknown>): Promise<number> => {
  const started = performance.now();
  await run();
  return performance.now() - started;
};

async function measure(queue: Queue): Promise<readonly (string | number)[]> {
  const inserted = await timed(() => queue.insert(ranges));
  const before = await size(queue.tables);
  const [claims, completions]: [number[], number[]] = [[], []];
  const until = performance.now() + seconds * 1000;
  await Promise.all(
    Array.from({ length: connections }, async () => {
      while (performance.now() < until) {
        const started = performance.now();
        const complete = await queue.claim();
        if (complete === undefined) return;
        claims.push(performance.now() - started);
        completions.push(await timed(complete));
      }
    }),
  );
  const after = await size(queue.tables);
  const counted = await timed(() => queue.counts());
  await queue.close();
  return [
    queue.name,
    (inserted / 1000).toFixed(1),
    (claims.length / seconds).toFixed(0),
    percentile(claims, 0.5).toFixed(1),
    percentile(claims, 0.99).toFixed(1),
    percentile(completions, 0.5).toFixed(1),
    before.toFixed(0),
    after.toFixed(0),
    counted.toFixed(0),
  ];
}

console.log(`# ${jobs} jobs in a queue on PostgreSQL\n\n${machineLines().join('\n')}\n`);
const rows = [];
if (values['pg-boss'] !== undefined) rows.push(await measure(await boss(values['pg-boss'])));
rows.push(await measure(await own()));
console.log(
  table(
    [
      'queue',
      'inserted in, s',
      'claimed and completed a second',
      'claim p50, ms',
      'claim p99, ms',
      'complete p50, ms',
      'MB before',
      `MB after ${seconds} s`,
      'counts, ms',
    ],
    rows,
  ),
);
await control.end();
