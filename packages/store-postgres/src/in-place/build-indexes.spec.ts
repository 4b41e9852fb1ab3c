import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import pg from 'pg';
import { z } from 'zod';
import { parseDatabaseAddress } from '../address/parse-address.js';
import { PGBOUNCER, POOL, startPgBouncer, type PgBouncer } from '../pgbouncer.fixture.js';
import { ensureSchema } from '../schema/ensure-schema.js';
import { ServerDatabases } from '../server-database.fixture.js';
import { Database } from '../sql/database.js';
import { TEST_SERVER } from '../test-databases.fixture.js';
import { buildIndexes } from './build-indexes.js';
import { openColumn } from './open-column.js';

jest.setTimeout(120_000);
const NAMES = {
  column: { schema: 'shop', table: 'documents', column: 'embedding' },
  spare: 'kimera_new',
  spareAfter: 'kimera_old',
};
/** The build takes at least a second: its predicate takes its time for each row. */
const [ROWS, ROW_SECONDS, LIMIT_MILLISECONDS] = [25, 0.04, 400];
const setting = z.object({ value: z.string() });

async function connected(url: string): Promise<pg.Client> {
  const client = new pg.Client(url);
  await client.connect();
  return client;
}

async function openLimited(url: string): Promise<Database> {
  const address = parseDatabaseAddress(url);
  if (address.kind === 'folder') throw new Error(`${url} is a folder`);
  // What installs the extension may take longer than the limit.
  const first = await Database.open(address, { connections: 1 });
  const pgvector = await ensureSchema(first).finally(() => first.close());
  const database = await Database.open(address, { connections: 5, statementMilliseconds: LIMIT_MILLISECONDS });
  database.usePgvector(pgvector);
  return database;
}

const onServer = TEST_SERVER === undefined ? describe.skip : describe;
onServer('a long build of an index', () => {
  let databases: ServerDatabases;
  let url: string;
  const ends: (() => Promise<unknown>)[] = [];
  beforeAll(async () => {
    databases = await ServerDatabases.at(TEST_SERVER ?? '');
  });
  beforeEach(async () => {
    url = await databases.create();
    const made = await openLimited(url);
    ends.push(() => made.close());
    await databases.run(
      url,
      `CREATE SCHEMA shop;
       CREATE FUNCTION shop.slow(vector) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT pg_sleep(${ROW_SECONDS}) IS NOT NULL';
       CREATE TABLE shop.documents (id bigint PRIMARY KEY, embedding vector(3));
       CREATE INDEX near ON shop.documents (id) WHERE shop.slow(embedding);
       ALTER DATABASE ${new URL(url).pathname.slice(1)} SET statement_timeout = ${LIMIT_MILLISECONDS}`,
    );
    await made.transaction((sql) => openColumn(sql, NAMES, 3));
    await databases.run(
      url,
      'SET statement_timeout = 0',
      `INSERT INTO shop.documents (id) SELECT i FROM generate_series(1, ${ROWS}) i`,
    );
  });
  afterAll(async () => {
    for (const end of ends) await end();
    await databases.drop();
  });
  const indexes = async (database: Database): Promise<readonly string[]> =>
    (
      await database.rows(
        z.object({ name: z.string() }),
        `SELECT c.relname || CASE WHEN i.indisvalid THEN '' ELSE ' invalid' END AS name FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
         WHERE i.indrelid = 'shop.documents'::regclass AND c.relname LIKE 'kimera_index%'`,
      )
    ).map(({ name }) => name);
  /** Of all connections. */
  const limits = async (database: Database): Promise<readonly (string | undefined)[]> =>
    Promise.all(
      Array.from({ length: 6 }, () =>
        database.row(setting, `SELECT current_setting('statement_timeout') AS value, pg_sleep(0.05)`),
      ),
    ).then((rows) => [...new Set(rows.map((row) => row?.value))]);

  it.each([
    ['directly', async (): Promise<PgBouncer> => ({ url, stop: async () => undefined })] as const,
    ...(PGBOUNCER === undefined ? [] : [['through PgBouncer', () => startPgBouncer(PGBOUNCER ?? '', url)] as const]),
  ])('is ended by no limit, neither ours nor the server’s, which holds again after it: %s', async (_, reach) => {
    const way = await reach();
    const database = await openLimited(way.url);
    ends.push(async () => {
      await database.close();
      await way.stop();
    });
    const phases = new Set<string>();
    const { built, seconds } = await buildIndexes(database, NAMES, {
      onProgress: ({ step, name, phase }) => phases.add(`${step} ${name} ${phase}`),
    });
    expect(built).toEqual(['near']);
    expect(seconds * 1000).toBeGreaterThan(2 * LIMIT_MILLISECONDS);
    expect([...phases].join()).toContain('index near building index');
    expect(await indexes(database)).toEqual([expect.stringMatching(/^kimera_index_\d+$/)]);
    expect(await limits(database)).toEqual([`${LIMIT_MILLISECONDS}ms`]);
  });

  (PGBOUNCER === undefined ? it.skip : it)(
    'puts the limit back also where a pooler gave the session to another client meanwhile',
    async () => {
      const way = await startPgBouncer(PGBOUNCER ?? '', url);
      const database = await openLimited(way.url);
      const others = await Promise.all(Array.from({ length: POOL + 1 }, () => connected(way.url)));
      ends.push(async () => {
        await Promise.all([database.close(), ...others.map((client) => client.end())]);
        await way.stop();
      });
      const hold = (client: pg.Client | undefined, seconds: number) =>
        client?.query(`BEGIN; SET LOCAL statement_timeout = 0; SELECT pg_sleep(${seconds}); COMMIT`);
      const [first, second, third, waiting] = others;
      // No session is free: the limit is lifted in the one that is free first, which the client that waits gets next.
      const held = [hold(first, 0.4), hold(second, 0.8), hold(third, 1.6)];
      await delay(100);
      const unlimited = database.unlimited('SELECT 1');
      await delay(100);
      await Promise.all([unlimited, ...held, hold(waiting, 1.2)]);
      expect(await limits(database)).toEqual([`${LIMIT_MILLISECONDS}ms`]);
    },
  );

  it('is ended by a signal within two seconds, and leaves no index', async () => {
    const database = await openLimited(url);
    ends.push(() => database.close());
    const stop = new AbortController();
    let stopped = Infinity;
    const building = buildIndexes(database, NAMES, {
      signal: stop.signal,
      onProgress: () => {
        if (stopped !== Infinity) return;
        stopped = performance.now();
        stop.abort(new Error('Ctrl-C'));
      },
    });
    await expect(building).rejects.toThrow('Ctrl-C');
    expect(performance.now() - stopped).toBeLessThan(2_000);
    expect(await indexes(database)).toEqual([]);
    expect((await buildIndexes(database, NAMES, {})).built).toEqual(['near']);
  });
});
