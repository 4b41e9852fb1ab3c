import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { contentHash, type EmbeddingSpace, type StoredVector } from '@kimera/core';
import { fakeSpace } from '@kimera/testing';
import { openStore } from '../open-store.js';
import type { PostgresStore } from '../postgres-store.js';
import { quoted } from '../sql/identifier.js';
import { embeddedConnection, SqlApplication, TemporaryFolders } from '../store.fixture.js';
import { encodeVector } from '../vector-codec.js';
import { makeOldCollection, makeOldSchema } from './old-version.fixture.js';
import { vectorsTable } from './space-tables.js';
import { SCHEMA_VERSIONS } from './versions.js';

jest.setTimeout(180_000);
const OLD = fakeSpace('old', { dimension: 2 });
const NEW = fakeSpace('new', { dimension: 3 });
const folders = new TemporaryFolders();
afterAll(() => folders.remove());

const vector = async ({ fingerprint, dimension }: EmbeddingSpace, id: string): Promise<StoredVector> => ({
  id,
  contentHash: await contentHash(`text of ${id}`),
  dense: Float32Array.from({ length: dimension }, (_, i) => 0.1 * (i + 1)),
  variant: 'int8',
  tokenizerRevision: 1,
  truncated: true,
  space: fingerprint,
});

/** As a program of that version wrote it. */
async function insertVector(application: SqlApplication, name: string, stored: StoredVector): Promise<void> {
  await application.pool.query(
    `INSERT INTO ${quoted('kimera', vectorsTable(name, stored.space))} (id, content_hash, space, variant, truncated, embedding) VALUES ($1, decode($2, 'hex'), $3, $4, $5, $6::vector)`,
    [stored.id, stored.contentHash, stored.space, stored.variant, stored.truncated, encodeVector(stored.dense)],
  );
}

describe.each([1, 2] as const)('a database of schema version %s, once it is opened,', (version) => {
  let store: PostgresStore;
  let application: SqlApplication;
  beforeAll(async () => {
    const folder = await folders.withDatabase();
    const before = await openStore({ database: folder });
    application = new SqlApplication(embeddedConnection(folder));
    await makeOldSchema(application.pool, version);
    await makeOldCollection(application.pool, version, 'docs', [OLD, NEW]);
    await makeOldCollection(application.pool, version, 'notes', [OLD]);
    await makeOldCollection(application.pool, version, 'gone', [OLD]);
    for (const name of ['docs', 'notes', 'gone']) {
      await application.write(
        name,
        ['a', 'b', 'c'].map((id) => ({ id, text: `text of ${id}` })),
      );
      for (const id of ['a', 'b']) await insertVector(application, name, await vector(OLD, id));
    }
    await insertVector(application, 'docs', await vector(NEW, 'a'));
    await application.pool.query('DROP TABLE public.gone CASCADE');
    await application.close();
    await before.close();
    store = await openStore({ database: folder });
    application = new SqlApplication(embeddedConnection(folder));
  });
  afterAll(async () => {
    await application.close();
    await store.close();
  });

  it('has all its vectors and what was waiting, in every space', async () => {
    const [a, b] = [await vector(OLD, 'a'), await vector(OLD, 'b')];
    for (const name of ['docs', 'notes']) {
      expect(await store.vectors.readVectors(name, OLD.fingerprint)).toEqual([a, b]);
      expect((await store.changes.readPending(name, OLD.fingerprint, 10)).map(({ id }) => id)).toEqual(['a', 'b', 'c']);
    }
    expect(await store.vectors.readVectors('docs', NEW.fingerprint)).toEqual([await vector(NEW, 'a')]);
    expect(await store.collections.collection('docs')).toEqual({
      name: 'docs',
      table: 'public.docs',
      activeSpace: OLD.fingerprint,
    });
  });

  it('keeps a changed vector until there is a new one, which may have another tokenizer revision', async () => {
    await application.write('docs', [{ id: 'a', text: 'edited' }]);
    await application.delete('docs', ['b']);
    const query = { space: OLD.fingerprint, dense: Float32Array.of(0.1, 0.2) };
    const { hits } = await store.search.search('docs', query, { limit: 10 });
    expect(hits.map(({ id, stale }) => [id, stale])).toEqual([['a', true]]);
    const later = { ...(await vector(NEW, 'a')), contentHash: await contentHash('edited'), tokenizerRevision: 2 };
    expect(await store.vectors.writeVectors('docs', NEW.fingerprint, [later])).toEqual({ written: 1, outdated: 0 });
    expect(await store.vectors.readVectors('docs', NEW.fingerprint)).toEqual([later]);
    expect((await store.changes.readPending('docs', NEW.fingerprint, 10)).map(({ id }) => id)).toEqual(['c']);
  });

  it('lets the application empty the table, which foreign keys once refused', async () => {
    await application.pool.query('TRUNCATE public.notes');
    const query = { space: OLD.fingerprint, dense: Float32Array.of(0.1, 0.2) };
    expect((await store.search.search('notes', query, { limit: 10 })).hits).toEqual([]);
    expect(await store.changes.readPending('notes', OLD.fingerprint, 10)).toEqual([]);
  });
});

it('jobs of pg-boss, which kept them before, are taken over, and its schema goes', async () => {
  const folder = await folders.withDatabase();
  const store = await openStore({ database: folder });
  await store.collections.createCollection('docs', OLD);
  const { id } = await store.migrations.createMigration('docs', NEW, 'spec', {});
  const application = new SqlApplication(embeddedConnection(folder));
  const states = ['completed', 'retry', 'active', 'failed', 'created'];
  await application.pool.query('DROP TABLE kimera.jobs; CREATE SCHEMA kimera_jobs');
  await application.pool.query(
    'CREATE TABLE kimera_jobs.job (id uuid, name text, data jsonb, state text, created_on timestamptz DEFAULT now())',
  );
  for (const [i, state] of states.entries())
    await application.pool.query(
      `INSERT INTO kimera_jobs.job (id, name, data, state, created_on) VALUES ($1, $2, $3, $4, '2026-01-01')`,
      [
        `00000000-0000-4000-8000-00000000000${i}`,
        `backfill-${id}`,
        { after: i === 0 ? null : `k${i}`, upTo: null },
        state,
      ],
    );
  await application.pool.query(`INSERT INTO kimera_jobs.job (name, data) VALUES ('backfill-of-nobody', '{}')`);
  await application.pool.query(SCHEMA_VERSIONS.find((change) => change.includes('CREATE TABLE kimera.jobs')) ?? '');
  expect(await store.jobs.counts(id)).toEqual({ waiting: 3, active: 0, done: 1, failed: 1 });
  expect((await store.jobs.claim(id, 60))?.range).toEqual({ after: 'k1', upTo: null });
  const { rows } = await application.pool.query(`SELECT FROM pg_namespace WHERE nspname = 'kimera_jobs'`);
  expect(rows).toEqual([]);
  await application.close();
  await store.close();
});
