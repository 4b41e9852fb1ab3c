import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { contentHash, type EmbeddedRow, type EmbeddingSpace } from '@kimera/core';
import { fakeSpace } from '@kimera/testing';
import { openStore } from '../open-store.js';
import { quoted } from '../sql/identifier.js';
import { embeddedConnection, SqlApplication, TemporaryFolders } from '../store.fixture.js';
import { vectorsTable } from './space-tables.js';
import { SCHEMA_VERSIONS } from './versions.js';

jest.setTimeout(180_000);
const OLD = fakeSpace('old', { dimension: 2 });
const NEW = fakeSpace('new', { dimension: 3 });
const HELD: readonly (readonly [string, EmbeddingSpace])[] = [
  ['docs', OLD],
  ['docs', NEW],
  ['notes', OLD],
];
const folders = new TemporaryFolders();
afterAll(() => folders.remove());

function row(tokenizerRevision: number): EmbeddedRow {
  const dense = Float32Array.of(0.25, -0.5);
  return {
    id: 'a',
    text: 'a text',
    embedding: { dense, space: OLD.fingerprint, variant: 'int8', tokenizerRevision, truncated: true },
  };
}

describe('a store whose vectors had no tokenizer revision', () => {
  let folder = '';
  beforeAll(async () => {
    folder = await folders.withDatabase();
    const store = await openStore({ database: folder });
    for (const name of ['docs', 'notes']) await store.collections.createCollection(name, OLD);
    await store.vectors.openSpace('docs', NEW);
    for (const name of ['docs', 'notes']) await store.collections.upsertRows(name, [row(7)]);
    const application = new SqlApplication(embeddedConnection(folder));
    for (const [name, { fingerprint }] of HELD)
      await application.pool.query(
        `ALTER TABLE ${quoted('kimera', vectorsTable(name, fingerprint))} DROP COLUMN tokenizer_revision`,
      );
    await application.pool.query('DROP TABLE kimera.jobs; DELETE FROM kimera.schema_version WHERE version > 1');
    await application.close();
    await store.close();
  });

  it('has revision 1 in every space once it is opened, and takes others', async () => {
    const store = await openStore({ database: folder });
    const stored = async (name: string, space: EmbeddingSpace) => store.vectors.readVectors(name, space.fingerprint);
    const { text, embedding } = row(1);
    const first = { id: 'a', contentHash: await contentHash(text), ...embedding };
    for (const name of ['docs', 'notes']) expect(await stored(name, OLD)).toEqual([first]);
    expect(await stored('docs', NEW)).toEqual([]);
    const later = { ...first, dense: Float32Array.of(1, 2, 3), tokenizerRevision: 2 };
    await store.vectors.writeVectors('docs', NEW.fingerprint, [later]);
    await store.collections.upsertRows('notes', [row(2)]);
    expect(await stored('docs', NEW)).toEqual([{ ...later, space: NEW.fingerprint }]);
    expect(await stored('notes', OLD)).toEqual([{ ...first, tokenizerRevision: 2 }]);
    expect(await stored('docs', OLD)).toEqual([first]);
    await store.close();
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
