import { createHash } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import type { EmbeddingSpace, MigrationState, NewVector, SourceRow, SpaceSwitch } from '@kimera/core';
import { fakeSpace, rejection } from '@kimera/testing';
import { z } from 'zod';
import { observeVectorWrites } from '../adopt/observed-writes.js';
import type { KeyColumn } from '../key.js';
import { openStore, joinStore } from '../open-store.js';
import type { PostgresStore } from '../postgres-store.js';
import { registerCollection } from '../register-collection.js';
import { readSource } from '../source.js';
import type { Database } from '../sql/database.js';
import { SqlApplication } from '../store.fixture.js';
import { DATABASES, schemaLines } from './in-place.fixture.js';

jest.setTimeout(120_000);
const OLD = fakeSpace('old', { dimension: 4 });
const NEW = fakeSpace('new', { dimension: 6 });
const ID: KeyColumn = { name: 'id', type: 'bigint', collation: null };

/** What a model would give: of the text and the space alone, in whole numbers, which print as they are. */
function vectorOf(text: string, { fingerprint, dimension }: EmbeddingSpace): Float32Array {
  const bytes = createHash('sha256').update(`${fingerprint} ${text}`).digest();
  return Float32Array.from({ length: dimension }, (_, i) => bytes.readInt8(i));
}
function vectorsOf(rows: readonly SourceRow[], space: EmbeddingSpace): readonly NewVector[] {
  return rows.map(({ id, contentHash, text }) => ({
    id,
    contentHash,
    dense: vectorOf(text, space),
    variant: 'fp32',
    tokenizerRevision: 1,
    truncated: false,
  }));
}

describe.each(DATABASES)('a migration in place, on %s', (_, open) => {
  let database: Database;
  let url: string;
  let store: PostgresStore;
  let close: () => Promise<void>;
  let name = '';
  let names = 0;
  let migration = '';
  beforeAll(async () => {
    const opened = await open();
    ({ database, url } = opened);
    store = opened.folder === undefined ? await openStore({ database: opened.url }) : await joinStore(opened.folder);
    close = async () => {
      await store.close();
      await opened.close();
    };
  });
  afterAll(() => close());
  beforeEach(async () => {
    name = `in_place_${process.pid}_${Date.now()}_${names++}`;
    await database.script(`
      CREATE SCHEMA ${name};
      CREATE TABLE ${name}.documents (id bigint, tenant text, content text, embedding vector(4), PRIMARY KEY (id));
      INSERT INTO ${name}.documents SELECT i, 't' || i % 2, 'text ' || i FROM generate_series(1, 40) i;
      CREATE INDEX near ON ${name}.documents USING hnsw (embedding vector_cosine_ops);
      CREATE VIEW ${name}.shown AS SELECT id, embedding FROM ${name}.documents;`);
  });
  afterEach(() => database.script(`DROP SCHEMA ${name} CASCADE`));

  interface Adopted {
    readonly key?: readonly KeyColumn[];
    readonly writer?: 'keeper' | 'application';
    readonly column?: string | null;
  }
  /** The application has the old model's vectors. */
  async function adopt({ key = [ID], writer = 'keeper', column = 'embedding' }: Adopted = {}): Promise<void> {
    await database.transaction((sql) =>
      registerCollection(sql, {
        name,
        origin: 'adopted',
        schema: name,
        table: 'documents',
        key,
        textExpression: 'content',
        tenantColumn: null,
        vectors: column === null ? null : { column, writer },
        space: OLD,
      }),
    );
    await embedAll(OLD);
  }
  async function embedAll(space: EmbeddingSpace): Promise<void> {
    const rows = await store.collections.readRange(name, { after: null, upTo: null });
    await store.vectors.writeVectors(name, space.fingerprint, vectorsOf(rows, space));
  }
  /** As the keeper does. */
  async function follow(space: EmbeddingSpace): Promise<void> {
    const rows = await store.changes.readPending(name, space.fingerprint, 1000);
    await store.vectors.writeVectors(name, space.fingerprint, vectorsOf(rows, space));
  }
  async function start(accepted: readonly string[] = []): Promise<void> {
    migration = (await store.migrations.createMigration(name, NEW, 'spec', {})).id;
    await store.vectors.openSpace(name, NEW);
    await store.inPlace.openInPlace(migration, accepted);
    await embedAll(NEW);
  }
  function change(to: EmbeddingSpace, state: MigrationState): SpaceSwitch {
    return {
      expected: ['planned', 'cut-over', 'rolled-back'],
      to: state,
      event: state,
      figures: {},
      from: (to === NEW ? OLD : NEW).fingerprint,
      toSpace: to.fingerprint,
      maxPending: 100,
    };
  }
  async function cutOver(): Promise<void> {
    await store.inPlace.prepareSwap(migration, NEW.fingerprint);
    await store.migrations.switchSpace(migration, 'spec', change(NEW, 'cut-over'), async (rows) =>
      vectorsOf(rows, NEW),
    );
  }
  async function rollBack(): Promise<void> {
    await store.inPlace.prepareSwap(migration, OLD.fingerprint);
    await store.migrations.switchSpace(migration, 'spec', change(OLD, 'rolled-back'), async (rows) =>
      vectorsOf(rows, OLD),
    );
  }
  async function retire(losing: EmbeddingSpace): Promise<void> {
    await store.migrations.transition(migration, 'spec', { ...change(NEW, 'retired') });
    await store.vectors.closeSpace(name, losing.fingerprint);
  }
  /** What the application's own SQL sees: text and vector of each row. */
  async function seen(from = 'documents'): Promise<ReadonlyMap<string, string | null>> {
    const rows = await database.rows(
      z.object({ content: z.string().nullable(), embedding: z.string().nullable() }),
      `SELECT d.content, s.embedding::text FROM ${name}.${from} s JOIN ${name}.documents d USING (id) ORDER BY id`,
    );
    return new Map(rows.map(({ content, embedding }) => [content ?? '', embedding]));
  }
  function expected(texts: Iterable<string>, space: EmbeddingSpace): ReadonlyMap<string, string | null> {
    return new Map([...texts].map((text) => [text, text === '' ? null : `[${vectorOf(text, space).join(',')}]`]));
  }
  const sql = (text: string): Promise<void> => database.script(text.replaceAll(/\bdocuments\b/g, `${name}.documents`));
  const texts = async (): Promise<readonly string[]> => [...(await seen()).keys()];

  it('gives the application’s SQL the new vectors, and back the old ones; then the schema is as before', async () => {
    await adopt();
    const before = await schemaLines(database, name);
    const old = await seen();
    await start();
    expect(await seen()).toEqual(old);
    await cutOver();
    expect(await seen()).toEqual(expected(await texts(), NEW));
    expect(await seen('shown')).toEqual(expected(await texts(), NEW));
    expect(await store.inPlace.inPlaceColumns(migration)).toEqual({
      table: `${name}.documents`,
      column: 'embedding',
      spare: `kimera_old_${OLD.fingerprint.slice(0, 12)}`,
    });
    await rollBack();
    expect(await seen()).toEqual(old);
    await cutOver();
    await rollBack();
    await retire(NEW);
    expect(await store.inPlace.inPlaceColumns(migration)).toBeUndefined();
    expect(await schemaLines(database, name)).toEqual(before);
    expect(await seen()).toEqual(old);
  });

  it('is open to a column of the application once the keeper has become its writer', async () => {
    await adopt({ writer: 'application' });
    await expect(store.inPlace.planInPlace(name, NEW)).rejects.toThrow(
      `kimera migrate writer --collection ${name} --to keeper`,
    );
    expect(await store.adoption.changeWriter(name, 'keeper')).toMatchObject({ filled: 40 });
    const old = await seen();
    expect(old).toEqual(expected(await texts(), OLD));
    await start();
    expect(await rejection(() => store.adoption.changeWriter(name, 'application'))).toMatchObject({
      code: 'VECTOR_WRITER_UNDER_MIGRATION',
    });
    await cutOver();
    expect(await seen()).toEqual(expected(await texts(), NEW));
    await rollBack();
    expect(await seen()).toEqual(old);
    await retire(NEW);
    expect(await store.adoption.changeWriter(name, 'application')).toMatchObject({ from: 'keeper' });
  });

  it('keeps what it cut over to, with a schema that differs by the type of the column', async () => {
    await adopt();
    const before = await schemaLines(database, name, 'by name');
    await start();
    await cutOver();
    await retire(OLD);
    expect(
      (await schemaLines(database, name, 'by name')).map((line) => line.replace('vector(6)', 'vector(4)')),
    ).toEqual(before);
    // The next one begins where this one ended.
    await database.script(`UPDATE ${name}.documents SET content = 'edited' WHERE id = 3`);
    expect((await seen()).get('edited')).toEqual(expected(['text 3'], NEW).get('text 3'));
    await follow(NEW);
    expect(await seen()).toEqual(expected(await texts(), NEW));
  });

  it('keeps both columns current: stale until the new vector is there, none for a new row, none without a text', async () => {
    await adopt();
    await start();
    await sql(
      `UPDATE documents SET content = 'edited' WHERE id = 1; INSERT INTO documents VALUES (99, 't', 'inserted'); DELETE FROM documents WHERE id = 2; UPDATE documents SET content = NULL WHERE id = 3`,
    );
    const columns = (id: number): Promise<unknown> =>
      database.row(
        z.object({ old: z.string().nullable(), new: z.string().nullable() }),
        `SELECT embedding::text AS old, kimera_new_${NEW.fingerprint.slice(0, 12)}::text AS new FROM ${name}.documents WHERE id = ${id}`,
      );
    const both = (text: string): unknown => ({
      old: expected([text], OLD).get(text),
      new: expected([text], NEW).get(text),
    });
    expect(await columns(1)).toEqual(both('text 1'));
    expect(await columns(99)).toEqual({ old: null, new: null });
    await follow(OLD);
    await follow(NEW);
    expect(await columns(1)).toEqual(both('edited'));
    expect(await columns(99)).toEqual(both('inserted'));
    expect(await columns(3)).toEqual({ old: null, new: null });
    await cutOver();
    await sql(`UPDATE documents SET content = 'edited again' WHERE id = 1`);
    await follow(OLD);
    await rollBack();
    expect(await seen()).toEqual(expected(await texts(), OLD));
  });

  it.each([
    ['real[]', '{1,2,3,4}'],
    ['halfvec(4)', '[1,2,3,4]'],
    ['vector', '[1,2,3,4]'],
  ])('keeps a column of type %s current without any migration, where the keeper is its writer', async (type, value) => {
    await sql(
      `DROP VIEW ${name}.shown; ALTER TABLE documents DROP COLUMN embedding; ALTER TABLE documents ADD COLUMN embedding ${type}`,
    );
    await adopt();
    const [row] = await store.collections.readRows(name, ['7']);
    const dense = Float32Array.from([1, 2, 3, 4]);
    const written = vectorsOf(row === undefined ? [] : [row], OLD).map((vector) => ({ ...vector, dense }));
    await store.vectors.writeVectors(name, OLD.fingerprint, written);
    expect((await seen()).get('text 7')).toBe(value);
  });

  it('catches up in the very transaction, and leaves everything where that fails', async () => {
    await adopt();
    await start();
    await store.inPlace.prepareSwap(migration, NEW.fingerprint);
    await sql(`UPDATE documents SET content = 'late' WHERE id = 5`);
    const lines = await schemaLines(database, name);
    await expect(
      store.migrations.switchSpace(migration, 'spec', change(NEW, 'cut-over'), async () => {
        throw new Error('the model is gone');
      }),
    ).rejects.toThrow('the model is gone');
    expect(await schemaLines(database, name)).toEqual(lines);
    await cutOver();
    expect(await seen()).toEqual(expected(await texts(), NEW));
  });

  it('writes what waited for the swap into the column that then is that of its space', async () => {
    await adopt();
    await start();
    await store.inPlace.prepareSwap(migration, NEW.fingerprint);
    await sql(`UPDATE documents SET content = 'late' WHERE id = 5`);
    let writing: Promise<unknown> = Promise.resolve();
    await store.migrations.switchSpace(migration, 'spec', change(NEW, 'cut-over'), async (rows) => {
      writing = store.vectors.writeVectors(name, OLD.fingerprint, vectorsOf(rows, OLD));
      await delay(300);
      return vectorsOf(rows, NEW);
    });
    expect(await writing).toEqual({ written: 1, outdated: 0 });
    expect((await seen()).get('late')).toBe(expected(['late'], NEW).get('late'));
    await rollBack();
    expect((await seen()).get('late')).toBe(expected(['late'], OLD).get('late'));
  });

  it('fills what was written while nobody mirrored it, and touches nothing else', async () => {
    await adopt();
    await start();
    await sql(`UPDATE documents SET kimera_new_${NEW.fingerprint.slice(0, 12)} = NULL WHERE id < 8`);
    expect(await store.inPlace.prepareSwap(migration, NEW.fingerprint)).toMatchObject({
      filled: 7,
      indexesBuilt: ['near'],
    });
    expect(await store.inPlace.prepareSwap(migration, NEW.fingerprint)).toMatchObject({ filled: 0, indexesBuilt: [] });
  });

  it('works with keys of several columns', async () => {
    await sql('ALTER TABLE documents DROP CONSTRAINT documents_pkey, ADD PRIMARY KEY (tenant, id)');
    await adopt({ key: [{ name: 'tenant', type: 'text', collation: null }, ID] });
    const old = await seen();
    await start();
    await cutOver();
    expect(await seen()).toEqual(expected(await texts(), NEW));
    await rollBack();
    expect(await seen()).toEqual(old);
  });

  it.each([
    ['the application writes the column', { writer: 'application' }],
    ['there is no column', { column: null }],
    ['the column is of another type', { column: 'tenant' }],
  ] as const)('is refused where %s', async (_why, adopted) => {
    await adopt({ ...adopted, column: 'column' in adopted ? adopted.column : 'embedding' });
    await expect(store.inPlace.planInPlace(name, NEW)).rejects.toMatchObject({ code: 'IN_PLACE_COLUMN' });
    await expect(start()).rejects.toMatchObject({ code: 'IN_PLACE_COLUMN' });
    expect(await store.inPlace.inPlaceColumns(migration)).toBeUndefined();
  });

  it('is refused while a trigger is not accepted, also one that comes later', async () => {
    await adopt();
    const touch = (trigger: string): string =>
      `CREATE OR REPLACE FUNCTION ${name}.touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN new; END'; CREATE TRIGGER ${trigger} BEFORE UPDATE ON documents FOR EACH ROW EXECUTE FUNCTION ${name}.touch()`;
    await sql(touch('first'));
    await expect(start()).rejects.toMatchObject({
      code: 'IN_PLACE_NOT_ACCEPTED',
      fields: { objects: ['trigger:first'] },
    });
    await store.inPlace.openInPlace(migration, ['trigger:first']);
    await embedAll(NEW);
    await sql(touch('second'));
    await expect(cutOver()).rejects.toMatchObject({
      code: 'IN_PLACE_NOT_ACCEPTED',
      fields: { objects: ['trigger:second'] },
    });
    await store.inPlace.openInPlace(migration, ['trigger:second']);
    await cutOver();
    expect(await seen()).toEqual(expected(await texts(), NEW));
  });

  it('is refused while the application writes the column itself', async () => {
    await adopt();
    await database.transaction(async (transaction) =>
      observeVectorWrites(transaction, await readSource(transaction, name), 'embedding'),
    );
    const application = new SqlApplication(url);
    try {
      await application.pool.query(`UPDATE ${name}.documents SET content = 'edited' WHERE id = 1`);
      await start();
      await application.pool.query(`UPDATE ${name}.documents SET embedding = '[1,1,1,1]' WHERE id = 1`);
      await expect(cutOver()).rejects.toMatchObject({
        code: 'IN_PLACE_REFUSED',
        fields: { objects: ['application:embedding'] },
      });
      await database.run(`UPDATE kimera.observed_writes SET at = at - interval '2 hours' WHERE collection = $1`, [
        name,
      ]);
      await cutOver();
      // The way back stays open.
      await application.pool.query(`UPDATE ${name}.documents SET embedding = '[1,1,1,1,1,1]' WHERE id = 1`);
      await rollBack();
    } finally {
      await application.close();
    }
  });

  it('is refused for an object that came after the start', async () => {
    await adopt();
    await start();
    await sql('CREATE POLICY p ON documents USING (embedding IS NOT NULL)');
    await expect(cutOver()).rejects.toMatchObject({ code: 'IN_PLACE_REFUSED', fields: { objects: ['policy:p'] } });
    await sql('DROP POLICY p ON documents');
    await cutOver();
  });
});
