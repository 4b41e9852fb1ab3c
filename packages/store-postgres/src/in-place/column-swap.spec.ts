import { afterAll, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { z } from 'zod';
import type { Database } from '../sql/database.js';
import { buildIndexes } from './build-indexes.js';
import { ColumnSwap } from './column-swap.js';
import { DATABASES, schemaLines } from './in-place.fixture.js';
import { dropColumn, openColumn } from './open-column.js';

jest.setTimeout(120_000);
const column = { schema: 'shop', table: 'documents', column: 'embedding' };
const FORTH = { column, spare: 'kimera_new', spareAfter: 'kimera_old' };
const BACK = { column, spare: 'kimera_old', spareAfter: 'kimera_new' };

/** Everything at once that is carried over. */
const RICH = `
  CREATE INDEX near ON shop.documents USING hnsw (embedding vector_cosine_ops) WITH (m = 8, ef_construction = 32);
  COMMENT ON INDEX shop.near IS 'the one that searches use';
  CREATE INDEX "Near 2" ON shop.documents USING ivfflat (embedding vector_l2_ops) WITH (lists = 1) WHERE embedding IS NOT NULL;
  CREATE INDEX small ON shop.documents (tenant DESC NULLS LAST) INCLUDE (embedding);
  CREATE INDEX other ON shop.documents (tenant);
  COMMENT ON COLUMN shop.documents.embedding IS 'it''s a vector';
  GRANT SELECT (embedding), UPDATE (embedding) ON shop.documents TO shop_reader WITH GRANT OPTION;
  GRANT SELECT (embedding) ON shop.documents TO PUBLIC;
  ALTER TABLE shop.documents ALTER COLUMN embedding SET STORAGE EXTENDED, ALTER COLUMN embedding SET STATISTICS 7, ALTER COLUMN embedding SET (n_distinct = -0.5);
  CREATE VIEW shop.plain AS SELECT id, embedding AS e FROM shop.documents;
  CREATE VIEW shop."On it" WITH (security_barrier = true, check_option = local) AS SELECT * FROM shop.plain WHERE id > 0;
  COMMENT ON VIEW shop.plain IS 'what people read';
  COMMENT ON COLUMN shop.plain.e IS 'its vector';
  GRANT SELECT ON shop.plain TO shop_reader WITH GRANT OPTION;
  GRANT SELECT (id) ON shop."On it" TO PUBLIC;
  REVOKE DELETE ON shop.plain FROM CURRENT_USER;
  ALTER VIEW shop."On it" OWNER TO shop_reader;
  ALTER DEFAULT PRIVILEGES IN SCHEMA shop GRANT ALL ON TABLES TO shop_other;
  ALTER TABLE shop.documents ALTER COLUMN embedding SET NOT NULL;`;

describe.each(DATABASES)('the swap of two columns, on %s', (_, open) => {
  let database: Database;
  let close: () => Promise<void>;
  beforeAll(async () => {
    ({ database, close } = await open());
  });
  const clean = `DROP EVENT TRIGGER IF EXISTS shop_guard; DROP SCHEMA IF EXISTS shop CASCADE;
    DO $$ BEGIN
      IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'shop_reader') THEN DROP OWNED BY shop_reader, shop_other; DROP ROLE shop_reader, shop_other; END IF;
    END $$;`;
  afterAll(async () => {
    await database.script(clean);
    await close();
  });
  beforeEach(async () => {
    await database.script(clean);
    await database.script(`
      CREATE SCHEMA shop; CREATE ROLE shop_reader; CREATE ROLE shop_other; GRANT USAGE, CREATE ON SCHEMA shop TO shop_reader;
      CREATE TABLE shop.documents (id bigint PRIMARY KEY, tenant int, embedding vector(3), content text);
      INSERT INTO shop.documents SELECT i, i % 3, ('[1,0,' || i || ']')::vector, 'text ' || i FROM generate_series(1, 50) i;`);
  });
  const swap = (names: typeof FORTH): Promise<void> =>
    database.transaction(async (sql) => (await ColumnSwap.begin(sql, names)).finish('exchanged'));
  const openFilled = async (dimension = 4): Promise<void> => {
    await database.transaction((sql) => openColumn(sql, FORTH, dimension));
    await database.script(`UPDATE shop.documents SET kimera_new = ('[0,1,0,' || id || ']')::vector`);
  };
  const values = async (name: string): Promise<readonly string[]> =>
    (
      await database.rows(
        z.object({ value: z.string() }),
        `SELECT ${name}::text AS value FROM shop.documents ORDER BY id LIMIT 2`,
      )
    ).map(({ value }) => value);

  it('gives the application new vectors under its name, and the old ones back', async () => {
    await openFilled();
    await swap(FORTH);
    expect(await values('embedding')).toEqual(['[0,1,0,1]', '[0,1,0,2]']);
    expect(await values('kimera_old')).toEqual(['[1,0,1]', '[1,0,2]']);
    await swap(BACK);
    expect(await values('embedding')).toEqual(['[1,0,1]', '[1,0,2]']);
  });

  it('leaves a schema as it was, forth and back', async () => {
    await database.script(RICH);
    const before = await schemaLines(database, 'shop');
    await openFilled();
    expect((await buildIndexes(database, FORTH, {})).built).toEqual(['Near 2', 'near', 'small']);
    await swap(FORTH);
    const during = await schemaLines(database, 'shop', 'by name');
    expect(during.filter((line) => line.startsWith('index')).join()).toMatch(
      /near ON shop.documents USING hnsw \(embedding/,
    );
    expect((await buildIndexes(database, BACK, {})).built).toEqual([]);
    await swap(BACK);
    await database.transaction((sql) => dropColumn(sql, { ...column, column: 'kimera_new' }));
    expect(await schemaLines(database, 'shop')).toEqual(before);
  });

  it('leaves a schema that differs by the type of the column alone, where it is kept', async () => {
    await database.script(RICH);
    const before = await schemaLines(database, 'shop', 'by name');
    await openFilled();
    await buildIndexes(database, FORTH, {});
    await swap(FORTH);
    await database.transaction((sql) => dropColumn(sql, { ...column, column: 'kimera_old' }));
    const after = await schemaLines(database, 'shop', 'by name');
    expect(after.map((line) => line.replaceAll('vector(4)', 'vector(3)'))).toEqual(before);
    expect(after.filter((line) => line.includes('vector(4)'))).toHaveLength(3);
    // The views show the new vectors.
    expect(await database.row(z.object({ e: z.string() }), `SELECT e::text FROM shop."On it" WHERE id = 1`)).toEqual({
      e: '[0,1,0,1]',
    });
  });

  it('builds an index again that a build left half done', async () => {
    await database.script('CREATE INDEX near ON shop.documents USING hnsw (embedding vector_cosine_ops)');
    await openFilled();
    await buildIndexes(database, FORTH, {});
    const name = (
      await database.row(
        z.object({ name: z.string() }),
        `UPDATE pg_index SET indisvalid = false WHERE indexrelid = (SELECT oid FROM pg_class WHERE relname LIKE 'kimera_index%' AND relkind = 'i') RETURNING indexrelid::regclass::text AS name`,
      )
    )?.name;
    expect(name).toBeDefined();
    await expect(swap(FORTH)).rejects.toMatchObject({ code: 'IN_PLACE_INDEX' });
    expect((await buildIndexes(database, FORTH, {})).built).toEqual(['near']);
    await swap(FORTH);
  });

  it('is refused while an index of the application is not built, and drops one that the application dropped', async () => {
    await database.script('CREATE INDEX near ON shop.documents USING hnsw (embedding vector_cosine_ops)');
    await openFilled();
    await buildIndexes(database, FORTH, {});
    await database.script('CREATE INDEX late ON shop.documents USING hnsw (embedding vector_l2_ops)');
    await expect(swap(FORTH)).rejects.toMatchObject({ code: 'IN_PLACE_INDEX', indexes: ['shop.late'] });
    await database.script('DROP INDEX shop.near');
    expect((await buildIndexes(database, FORTH, {})).built).toEqual(['late']);
    await swap(FORTH);
    expect(
      (await schemaLines(database, 'shop')).filter((line) => line.startsWith('index') && line.includes('embedding')),
    ).toEqual([expect.stringContaining('vector_l2_ops')]);
  });

  it('is refused early where PostgreSQL would not make a view again', async () => {
    await database.script(`
      CREATE VIEW shop.v AS SELECT id, embedding FROM shop.documents;
      CREATE FUNCTION shop.guard() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN
        IF EXISTS (SELECT FROM pg_event_trigger_ddl_commands() WHERE object_identity = 'shop.v') THEN RAISE 'nobody makes this view'; END IF;
      END $$;
      CREATE EVENT TRIGGER shop_guard ON ddl_command_end WHEN tag IN ('CREATE VIEW') EXECUTE FUNCTION shop.guard()`);
    const before = await schemaLines(database, 'shop');
    await expect(database.transaction((sql) => openColumn(sql, FORTH, 4))).rejects.toMatchObject({
      code: 'IN_PLACE_MOVE',
      reason: 'nobody makes this view',
    });
    expect(await schemaLines(database, 'shop')).toEqual(before);
  });

  it('is refused where a row lacks its new vector and the column is NOT NULL', async () => {
    await database.script('ALTER TABLE shop.documents ALTER COLUMN embedding SET NOT NULL');
    await openFilled();
    await database.script('UPDATE shop.documents SET kimera_new = NULL WHERE id = 7');
    await expect(swap(FORTH)).rejects.toMatchObject({ code: 'IN_PLACE_MOVE', what: 'NOT NULL' });
  });

  it('carries a default of the same dimension, and keeps it from the column beside', async () => {
    await database.script(`ALTER TABLE shop.documents ALTER COLUMN embedding SET DEFAULT '[1,1,1]'`);
    const before = await schemaLines(database, 'shop');
    await database.transaction((sql) => openColumn(sql, FORTH, 3));
    await swap(FORTH);
    await database.script(`INSERT INTO shop.documents (id, content) VALUES (99, 'x')`);
    expect(
      await database.row(
        z.object({ embedding: z.string(), old: z.string().nullable() }),
        'SELECT embedding::text, kimera_old::text AS old FROM shop.documents WHERE id = 99',
      ),
    ).toEqual({ embedding: '[1,1,1]', old: null });
    await swap(BACK);
    await database.transaction((sql) => dropColumn(sql, { ...column, column: 'kimera_new' }));
    expect(await schemaLines(database, 'shop')).toEqual(before);
  });

  it('works with halfvec', async () => {
    await database.script(
      `ALTER TABLE shop.documents ALTER COLUMN embedding TYPE halfvec(3); CREATE INDEX near ON shop.documents USING hnsw (embedding halfvec_cosine_ops)`,
    );
    await openFilled();
    await buildIndexes(database, FORTH, {});
    await swap(FORTH);
    expect((await schemaLines(database, 'shop')).join('\n')).toMatch(/embedding \| halfvec\(4\)/);
  });
});
