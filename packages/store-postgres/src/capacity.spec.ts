import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { fakeSpace } from '@kimera/testing';
import { openStore } from './open-store.js';
import type { PostgresStore } from './postgres-store.js';
import { vectorsTable } from './schema/space-tables.js';
import { quoted } from './sql/identifier.js';
import { embeddedConnection, SqlApplication, TemporaryFolders } from './store.fixture.js';

jest.setTimeout(180_000);
const ROWS = 1_000;
const folders = new TemporaryFolders();
let store: PostgresStore;
let application: SqlApplication;
beforeAll(async () => {
  const folder = await folders.withDatabase();
  store = await openStore({ database: folder });
  application = new SqlApplication(embeddedConnection(folder));
});
afterAll(async () => {
  await application.close();
  await store.close();
  await folders.remove();
});

describe('the estimate of room', () => {
  it.each([64, 384, 768, 1_024])('is near what %s numbers a vector take', async (dimension) => {
    const space = fakeSpace(`d${dimension}`, { dimension });
    const name = `docs_${dimension}`;
    await store.collections.createCollection(name, space);
    const rows = Array.from({ length: ROWS }, (_, i) => ({
      id: `document-${i}`,
      text: `${i}`,
      embedding: {
        dense: Float32Array.from({ length: dimension }, (_unused, j) => Math.sin(i * dimension + j)),
        space: space.fingerprint,
        variant: 'fp32' as const,
        tokenizerRevision: 1,
        truncated: false,
      },
    }));
    await store.collections.upsertRows(name, rows);
    const table = quoted('kimera', vectorsTable(name, space.fingerprint));
    const { rows: sizes } = await application.pool.query<{ bytes: string }>(
      'SELECT pg_total_relation_size($1::regclass) AS bytes',
      [table],
    );
    const ratio = store.capacity.estimateBytes(ROWS, dimension) / Number(sizes[0]?.bytes);
    expect(ratio).toBeGreaterThan(0.9);
    expect(ratio).toBeLessThan(1.4);
  });
});
