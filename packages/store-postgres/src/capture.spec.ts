import { afterAll, afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { fakeSpace } from '@kimera/testing';
import type { QueryResult } from 'pg';
import { pendingTable } from './schema/space-tables.js';
import { quoted } from './sql/identifier.js';
import { TEST_DATABASES, type TestDatabase } from './test-databases.fixture.js';

jest.setTimeout(180_000);
const SPACE = fakeSpace('captured', { dimension: 2 });
const QUERY = { space: SPACE.fingerprint, dense: Float32Array.of(1, 1) };
const READ_COMMITTED = 'READ COMMITTED';

const WRITER = `kimera_spec_writer_${process.pid}`;
let names = 0;

/** What an application does to its table. None of its statements may fail through the triggers. */
describe.each(TEST_DATABASES)('a collection’s table on %s', (_, open) => {
  let database: TestDatabase;
  let name = '';
  let table = '';
  const query = (text: string): Promise<QueryResult> => database.application.pool.query(text);
  const kinds = async (): Promise<readonly string[]> =>
    (await database.owner.upkeep.faults(name)).map(({ kind }) => kind);
  const pending = async (): Promise<readonly string[]> =>
    (await database.owner.changes.readPending(name, SPACE.fingerprint, 100)).map(({ id }) => id).sort();
  const found = async (): Promise<readonly string[]> =>
    (await database.owner.search.search(name, QUERY, { limit: 100 })).hits
      .map(({ id, stale }) => (stale ? `${id} stale` : id))
      .sort();

  beforeAll(async () => {
    database = await open();
  });
  afterAll(() => database.close());
  afterEach(async () => {
    await query(`DROP ROLE IF EXISTS ${WRITER}`).catch(() => undefined);
  });

  async function made(): Promise<void> {
    const { owner } = database;
    name = `captured_${process.pid}_${Date.now()}_${names++}`;
    table = quoted('public', name);
    await owner.collections.createCollection(name, SPACE);
    await owner.collections.upsertRows(
      name,
      ['a', 'b', 'c'].map((id) => ({
        id,
        text: `text of ${id}`,
        embedding: {
          dense: Float32Array.of(1, names),
          space: SPACE.fingerprint,
          variant: 'fp32' as const,
          tokenizerRevision: 1,
          truncated: false,
        },
      })),
    );
    expect(await kinds()).toEqual([]);
  }

  it('whose text column is renamed goes on, says that it is broken, and is mended when the column is back', async () => {
    await made();
    await query(`ALTER TABLE ${table} RENAME COLUMN text TO body`);
    expect((await query(`UPDATE ${table} SET body = 'edited' WHERE id = 'a'`)).rowCount).toBe(1);
    expect((await query(`INSERT INTO ${table} VALUES ('d', 'inserted')`)).rowCount).toBe(1);
    expect((await query(`DELETE FROM ${table} WHERE id = 'b'`)).rowCount).toBe(1);
    expect(await kinds()).toEqual(['unreadable', 'capture']);
    const [unreadable, capture] = await database.owner.upkeep.faults(name);
    expect(unreadable?.detail).toContain('"text"');
    expect(capture?.detail).toContain('UPDATE');
    for (const call of [
      () => database.owner.search.search(name, QUERY, { limit: 1 }),
      () => database.owner.collections.readRows(name, ['a']),
      () => database.owner.vectors.coverage(name, SPACE.fingerprint),
      () => database.owner.changes.countPending(name, SPACE.fingerprint),
      () => database.owner.upkeep.reconcile(name),
    ])
      await expect(call()).rejects.toMatchObject({ code: 'COLLECTION_UNREADABLE', collection: name });
    expect((await query(`SELECT FROM kimera.collection_faults WHERE collection = '${name}'`)).rowCount).toBe(1);
    await query(`ALTER TABLE ${table} RENAME COLUMN body TO text`);
    expect(await kinds()).toEqual(['capture']);
    expect(await database.owner.upkeep.reconcile(name)).toEqual({ queued: 2, removed: 1 });
    expect(await kinds()).toEqual([]);
    expect(await pending()).toEqual(['a', 'd']);
    expect(await found()).toEqual(['a stale', 'c']);
  });

  it.each([
    ['whose text column is dropped', 'ALTER TABLE @ DROP COLUMN text', `INSERT INTO @ VALUES ('d')`],
    ['whose id column is renamed', 'ALTER TABLE @ RENAME COLUMN id TO key', `INSERT INTO @ VALUES ('d', 'x')`],
    [
      'whose id column has another type',
      'ALTER TABLE @ ALTER COLUMN id TYPE bytea USING convert_to(id, $$UTF8$$)',
      `INSERT INTO @ VALUES ('d', 'x')`,
    ],
    [
      'whose id column is a number now',
      'ALTER TABLE @ ALTER COLUMN id TYPE integer USING ascii(id)',
      `INSERT INTO @ VALUES (5, 'x')`,
    ],
  ])('%s takes every statement, and says that it is broken', async (_what, change, statement) => {
    await made();
    await query(change.replace('@', table));
    expect((await query(statement.replace('@', table))).rowCount).toBe(1);
    expect((await query(`DELETE FROM ${table}`)).rowCount).toBe(4);
    expect((await kinds())[0]).toBe('unreadable');
    await expect(database.owner.upkeep.reconcile(name)).rejects.toMatchObject({ code: 'COLLECTION_UNREADABLE' });
    await database.owner.adoption.drop(name);
    expect((await query(`SELECT to_regclass('${table}') AS gone`)).rows).toEqual([{ gone: null }]);
  });

  it('that is dropped leaves a clear refusal, and its name can be used again', async () => {
    await made();
    await query(`DROP TABLE ${table} CASCADE`);
    expect(await kinds()).toEqual(['table-gone']);
    for (const call of [
      () => database.owner.search.search(name, QUERY, { limit: 1 }),
      () => database.owner.collections.countRows(name),
      () => database.owner.upkeep.reconcile(name),
    ])
      await expect(call()).rejects.toMatchObject({
        code: 'COLLECTION_TABLE_GONE',
        collection: name,
        table: `public.${name}`,
      });
    await database.owner.adoption.drop(name);
    await database.owner.collections.createCollection(name, SPACE);
    expect(await found()).toEqual([]);
  });

  it('that is made anew under its name is not watched, and is after a reconciliation', async () => {
    await made();
    await query(`DROP TABLE ${table}; CREATE TABLE ${table} (id text COLLATE "C" PRIMARY KEY, text text)`);
    await query(`INSERT INTO ${table} VALUES ('a', 'text of a'), ('b', 'another'), ('z', NULL)`);
    expect(await kinds()).toEqual(['unwatched']);
    expect(await database.owner.upkeep.reconcile(name)).toEqual({ queued: 1, removed: 1 });
    expect(await kinds()).toEqual([]);
    await query(`UPDATE ${table} SET text = 'now a text' WHERE id = 'z'`);
    expect(await pending()).toEqual(['b', 'z']);
    expect(await found()).toEqual(['a', 'b stale']);
  });

  it('whose trigger is switched off is not watched', async () => {
    await made();
    await query(`ALTER TABLE ${table} DISABLE TRIGGER kimera_updated`);
    await query(`UPDATE ${table} SET text = 'unseen' WHERE id = 'a'`);
    expect(await kinds()).toEqual(['unwatched']);
    expect(await database.owner.upkeep.reconcile(name)).toEqual({ queued: 1, removed: 0 });
    expect(await pending()).toEqual(['a']);
    expect(await kinds()).toEqual([]);
  });

  it('whose triggers were off for a while is compared, though they are on again', async () => {
    await made();
    await query(`ALTER TABLE ${table} DISABLE TRIGGER ALL`);
    await query(`UPDATE ${table} SET text = 'unseen' WHERE id = 'a'; DELETE FROM ${table} WHERE id = 'b'`);
    await query(`ALTER TABLE ${table} ENABLE TRIGGER ALL`);
    expect(await database.owner.upkeep.faults(name)).toMatchObject([
      { kind: 'unwatched', detail: expect.stringContaining('switched off for a while') },
    ]);
    expect(await database.owner.upkeep.reconcile(name)).toEqual({ queued: 1, removed: 1 });
    expect(await kinds()).toEqual([]);
  });

  it('is watched too where a session writes as a replica, as a restore does', async () => {
    await made();
    const client = await database.application.pool.connect();
    await client.query(
      `BEGIN; SET LOCAL session_replication_role = replica; UPDATE ${table} SET text = 'restored' WHERE id = 'a'; DELETE FROM ${table} WHERE id = 'b'; COMMIT`,
    );
    client.release();
    expect(await pending()).toEqual(['a']);
    expect(await found()).toEqual(['a stale', 'c']);
    expect(await kinds()).toEqual([]);
  });

  it('from which other tables inherit later is broken until they do not: their rows would be taken for its own', async () => {
    await made();
    await query(`CREATE TABLE ${quoted('public', `${name}_child`)} () INHERITS (${table})`);
    await query(`INSERT INTO ${quoted('public', `${name}_child`)} VALUES ('a', 'twice')`);
    expect(await database.owner.upkeep.faults(name)).toMatchObject([
      { kind: 'unreadable', detail: expect.stringContaining(`${name}_child inherits`) },
    ]);
    await expect(database.owner.upkeep.reconcile(name)).rejects.toMatchObject({ code: 'COLLECTION_UNREADABLE' });
    await query(`DROP TABLE ${quoted('public', `${name}_child`)}`);
    expect(await kinds()).toEqual([]);
  });

  it('whose log is gone takes every statement, with a warning where not even the fault can be noted', async () => {
    await made();
    await query(`DROP TABLE kimera.${quoted(pendingTable(name, SPACE.fingerprint))}`);
    expect((await query(`UPDATE ${table} SET text = 'edited' WHERE id = 'a'`)).rowCount).toBe(1);
    expect(await kinds()).toContain('capture');
    await query('ALTER TABLE kimera.collection_faults RENAME TO hidden');
    expect((await query(`UPDATE ${table} SET text = 'edited again' WHERE id = 'a'`)).rowCount).toBe(1);
    await query('ALTER TABLE kimera.hidden RENAME TO collection_faults');
  });

  it.each([READ_COMMITTED, 'REPEATABLE READ', 'SERIALIZABLE'])(
    'that has a fault notes each further one at %s where it may not see that the first was mended',
    async (isolation) => {
      await made();
      await query(`ALTER TABLE ${table} RENAME COLUMN text TO body`);
      const client = await database.application.pool.connect();
      for (let i = 0; i < 3; i++)
        await client.query(`BEGIN ISOLATION LEVEL ${isolation}; UPDATE ${table} SET body = '${i}'; COMMIT`);
      client.release();
      expect((await query(`SELECT FROM kimera.collection_faults WHERE collection = '${name}'`)).rowCount).toBe(
        isolation === READ_COMMITTED ? 1 : 3,
      );
    },
  );

  it('is written by a role that has no rights on our schema', async () => {
    await made();
    await query(`CREATE ROLE ${WRITER}; GRANT SELECT, INSERT, UPDATE, DELETE, TRUNCATE ON ${table} TO ${WRITER}`);
    const client = await database.application.pool.connect();
    await client.query(`
      BEGIN; SET LOCAL ROLE ${WRITER}; SET LOCAL search_path = public;
      UPDATE ${table} SET text = 'edited' WHERE id = 'a'; DELETE FROM ${table} WHERE id = 'b'; INSERT INTO ${table} VALUES ('d', 'x');
      COMMIT`);
    expect(await pending()).toEqual(['a', 'd']);
    expect(await found()).toEqual(['a stale', 'c']);
    await client.query(`BEGIN; SET LOCAL ROLE ${WRITER}; TRUNCATE ${table}; COMMIT`);
    client.release();
    expect(await kinds()).toEqual(['truncated']);
    await query(`DROP OWNED BY ${WRITER}`);
  });

  it('may exchange its ids: what each row has by then is compared', async () => {
    await made();
    await query(`UPDATE ${table} SET id = CASE id WHEN 'a' THEN 'x' ELSE 'y' END WHERE id IN ('a', 'b')`);
    expect(await pending()).toEqual(['x', 'y']);
    expect(await found()).toEqual(['c']);
    await query(`UPDATE ${table} SET id = 'a' WHERE id = 'x'`);
    expect(await pending()).toEqual(['a', 'y']);
  });
});
