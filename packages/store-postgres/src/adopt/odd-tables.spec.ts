import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import type { AdoptionRequest } from '@kimera/core';
import { fakeSpace } from '@kimera/testing';
import { z } from 'zod';
import { TEST_DATABASES, type TestDatabase } from '../test-databases.fixture.js';

jest.setTimeout(120_000);
const SPACE = fakeSpace('odd', { dimension: 3 });
const SCHEMA = 'odd tables';
const COLLECTION = 'odd';
const seen = z.array(z.object({ id: z.string(), text: z.string() }));

interface OddTable {
  /** `schema` is the search path. */
  readonly make: string;
  readonly request: AdoptionRequest;
  /** Statements of the application. */
  readonly statements: readonly string[];
  /** `id` as ours and `text` of every row. */
  readonly read: string;
}

const TABLES: Readonly<Record<string, OddTable>> = {
  'names with capitals, blanks, quotes and letters of other scripts, and a key of text and uuid': {
    make: `CREATE TABLE "Ta""ble .1" ("Shop Id" uuid, "Straße" text, "select" int, "Body Text" text, PRIMARY KEY ("Straße", "Shop Id"));
      INSERT INTO "Ta""ble .1" SELECT gen_random_uuid(), 's/"\\' || i || E'\\n\\u0001 é', i, 'text ' || i FROM generate_series(1, 20) i`,
    request: { table: `"${SCHEMA}"."Ta""ble .1"`, text: 'Body Text', tenant: 'Shop Id' },
    statements: [
      `UPDATE "Ta""ble .1" SET "Body Text" = "Body Text" || 'x' WHERE "select" % 3 = 0`,
      `INSERT INTO "Ta""ble .1" VALUES ('AAAAAAAA-0000-4000-8000-00000000000A', 'new', 1, 'inserted')`,
      `DELETE FROM "Ta""ble .1" WHERE "select" = 20`,
    ],
    read: `SELECT '[' || to_json("Straße")::text || ',' || to_json("Shop Id"::text)::text || ']' AS id, "Body Text" AS text FROM "Ta""ble .1"`,
  },
  'columns named like the variables of a trigger': {
    make: `CREATE TABLE notes (state bigint PRIMARY KEY, detail text, found boolean DEFAULT true, "new" text, tg_op text); INSERT INTO notes SELECT i, 'detail ' || i FROM generate_series(1, 20) i`,
    request: {
      table: 'notes',
      text: `detail || coalesce("new", '') || coalesce(tg_op, '') || CASE WHEN found THEN 'y' ELSE 'n' END`,
    },
    statements: [
      `UPDATE notes SET detail = detail || 'x' WHERE state < 10`,
      `INSERT INTO notes VALUES (100, 'more')`,
      `UPDATE notes SET found = false, tg_op = 'op' WHERE state = 3`,
      `DELETE FROM notes WHERE state = 1`,
    ],
    read: `SELECT state::text AS id, detail || coalesce("new", '') || coalesce(tg_op, '') || CASE WHEN found THEN 'y' ELSE 'n' END AS text FROM notes`,
  },
  'a text that PostgreSQL computes, and negative ids': {
    make: `CREATE TABLE computed (id bigint PRIMARY KEY, a text, b varchar(40), content text GENERATED ALWAYS AS (coalesce(a, '') || ' ' || coalesce(b, '')) STORED);
      INSERT INTO computed (id, a) SELECT -i * 1000000000000, 'a' || i FROM generate_series(1, 20) i`,
    request: { table: 'computed', text: 'content' },
    statements: [
      `UPDATE computed SET b = 'x' WHERE id < -15000000000000`,
      `INSERT INTO computed (id, a) VALUES (-7, 'more')`,
      'UPDATE computed SET id = id - 1 WHERE id = -1000000000000',
      `ALTER TABLE computed ADD COLUMN more int DEFAULT 1; UPDATE computed SET a = 'z' WHERE id = -7; ALTER TABLE computed DROP COLUMN more; UPDATE computed SET a = 'y' WHERE id < -15000000000000`,
    ],
    read: 'SELECT id::text, content AS text FROM computed',
  },
  'partitions of partitions, rows that move between them, and one that is dropped': {
    make: `CREATE TABLE days (day date, id int, content text, PRIMARY KEY (day, id)) PARTITION BY RANGE (day);
      CREATE TABLE january PARTITION OF days FOR VALUES FROM ('2026-01-01') TO ('2026-02-01');
      CREATE TABLE february PARTITION OF days FOR VALUES FROM ('2026-02-01') TO ('2026-03-01') PARTITION BY HASH (id);
      CREATE TABLE february_0 PARTITION OF february FOR VALUES WITH (MODULUS 1, REMAINDER 0);
      INSERT INTO days SELECT date '2026-01-15' + (i % 30), i, 'c' || i FROM generate_series(1, 40) i`,
    request: { table: 'days' },
    statements: [
      `UPDATE january SET content = content || 'x'`,
      `UPDATE days SET day = day + 31 WHERE day < '2026-01-20'`,
      `DELETE FROM february_0 WHERE id % 7 = 0`,
      `CREATE TABLE march PARTITION OF days FOR VALUES FROM ('2026-03-01') TO ('2026-04-01'); INSERT INTO march VALUES ('2026-03-06', 1, 'written to the partition')`,
      'DROP TABLE january',
    ],
    read: `SELECT '["' || day || '","' || id || '"]' AS id, content AS text FROM days`,
  },
  'triggers of the application that change texts, and statements that insert, update and delete at once': {
    make: `CREATE TABLE loud (id text PRIMARY KEY, content text, n int DEFAULT 0);
      CREATE FUNCTION up() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.content := upper(NEW.content); RETURN NEW; END $$;
      CREATE TRIGGER up BEFORE INSERT OR UPDATE OF content ON loud FOR EACH ROW EXECUTE FUNCTION up();
      CREATE FUNCTION later() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN UPDATE "${SCHEMA}".loud SET n = 1, content = content || '!' WHERE id = NEW.id AND n = 0; RETURN NULL; END $$;
      CREATE TRIGGER later AFTER INSERT ON loud FOR EACH ROW EXECUTE FUNCTION later();
      INSERT INTO loud SELECT 'k' || i, 'c' || i FROM generate_series(1, 30) i`,
    request: { table: 'loud' },
    statements: [
      `INSERT INTO loud SELECT 'k' || i, 'upserted' || i FROM generate_series(20, 35) i ON CONFLICT (id) DO UPDATE SET content = excluded.content`,
      `MERGE INTO loud USING (SELECT 'k' || i AS id FROM generate_series(28, 40) i) s ON s.id = loud.id
       WHEN MATCHED AND s.id = 'k28' THEN DELETE WHEN MATCHED THEN UPDATE SET content = 'merged' WHEN NOT MATCHED THEN INSERT (id, content) VALUES (s.id, 'm')`,
      'BEGIN; TRUNCATE loud; ROLLBACK',
      `INSERT INTO loud VALUES ('empty', '')`,
      `UPDATE loud SET content = NULL WHERE id = 'k5'; UPDATE loud SET content = E'\\u0001\\u001f\\u007f' WHERE id = 'k6'`,
    ],
    read: 'SELECT id, content AS text FROM loud WHERE content IS NOT NULL',
  },
  'a key that follows another table’s, rules, and rows that a crash would lose': {
    make: `CREATE UNLOGGED TABLE owners (id bigint PRIMARY KEY); INSERT INTO owners SELECT i FROM generate_series(1, 20) i;
      CREATE UNLOGGED TABLE owned (id bigint PRIMARY KEY REFERENCES owners ON UPDATE CASCADE ON DELETE CASCADE, content text);
      CREATE TABLE noted (id bigint); CREATE RULE noted AS ON UPDATE TO owned DO ALSO INSERT INTO noted VALUES (OLD.id);
      INSERT INTO owned SELECT i, 'c' || i FROM generate_series(1, 20) i`,
    request: { table: 'owned' },
    statements: [
      'UPDATE owners SET id = id + 1000 WHERE id = 1',
      'DELETE FROM owners WHERE id = 2',
      `UPDATE owned SET content = 'changed' WHERE id = 3`,
    ],
    read: 'SELECT id::text, content AS text FROM owned',
  },
};

/** Tables that no framework makes. */
describe.each(TEST_DATABASES)('an adopted table on %s with', (_, open) => {
  let database: TestDatabase;
  const sql = (text: string) => database.application.pool.query(`SET search_path = "${SCHEMA}", public; ${text}`);
  beforeAll(async () => {
    database = await open();
    await sql(`DROP SCHEMA IF EXISTS "${SCHEMA}" CASCADE; CREATE SCHEMA "${SCHEMA}"`);
  });
  afterAll(async () => {
    await sql(`DROP SCHEMA "${SCHEMA}" CASCADE`);
    await database.close();
  });

  /** A worker, and a keeper that mends faults, until nothing waits. */
  async function keepCurrent(): Promise<void> {
    const { changes, upkeep, vectors } = database.owner;
    const faults = await upkeep.faults(COLLECTION);
    // Every change was captured; a new partition, or one that is gone, is mended.
    expect(faults.filter(({ kind }) => kind !== 'unwatched')).toEqual([]);
    if (faults.length > 0) await upkeep.reconcile(COLLECTION);
    expect(await upkeep.faults(COLLECTION)).toEqual([]);
    for (;;) {
      const rows = await changes.readPending(COLLECTION, SPACE.fingerprint, 1_000);
      if (rows.length === 0) return;
      await vectors.writeVectors(
        COLLECTION,
        SPACE.fingerprint,
        rows.map(({ id, text, contentHash }) => ({
          ...{ id, contentHash, variant: 'fp32' as const, tokenizerRevision: 1, truncated: false },
          dense: Float32Array.of(1, text.length, id.length),
        })),
      );
    }
  }

  async function expectCurrent(read: string): Promise<void> {
    const answers: unknown = await sql(read);
    const rows = seen.parse(
      z
        .array(z.object({ rows: z.unknown() }))
        .parse(answers)
        .at(-1)?.rows,
    );
    const stored = await database.owner.vectors.readVectors(COLLECTION, SPACE.fingerprint);
    const wanted = rows.map(({ id, text }) => [id, createHash('sha256').update(text).digest('hex')] as const);
    expect(new Map(stored.map(({ id, contentHash }) => [id, contentHash]))).toEqual(new Map(wanted));
    expect(await database.owner.vectors.coverage(COLLECTION, SPACE.fingerprint)).toMatchObject({
      ...{ rows: rows.length, current: rows.length, orphans: 0, pending: 0 },
    });
  }

  it.each(Object.entries(TABLES))('%s', async (_name, { make, request, statements, read }) => {
    await sql(make);
    const table = request.table.includes('.') ? request.table : `"${SCHEMA}".${request.table}`;
    const { adoption } = database.owner;
    await (await adoption.check({ ...request, table, collection: COLLECTION }, SPACE)).begin(null);
    try {
      while (!(await adoption.copyVectors(COLLECTION, 1_000, async () => [])).finished);
      await keepCurrent();
      await expectCurrent(read);
      for (const statement of statements) {
        await sql(statement);
        await keepCurrent();
        await expectCurrent(read);
      }
    } finally {
      await adoption.unadopt(COLLECTION);
    }
  });
});
