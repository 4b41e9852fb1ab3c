import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, it, jest } from '@jest/globals';
import { emptyDatabase } from '@kimera/testing';
import { inspectDatabase } from './inspect-database.js';
import { openStore } from './open-store.js';
import { LEAST_PGVECTOR } from './schema/pgvector.js';
import { SCHEMA_VERSIONS } from './schema/versions.js';
import { embeddedConnection, TemporaryFolders } from './store.fixture.js';

jest.setTimeout(120_000);
const folders = new TemporaryFolders();
afterAll(() => folders.remove());

it('says what an embedded database is without making one, and what its server has', async () => {
  const folder = join(await folders.empty(), 'data');
  expect(await inspectDatabase(folder)).toEqual({ kind: 'embedded', folder, state: 'absent' });
  expect(existsSync(folder)).toBe(false);
  await emptyDatabase(folder);
  const store = await openStore({ database: folder });
  expect(await inspectDatabase(folder)).toEqual({ kind: 'embedded', folder, state: 'open' });
  expect(await inspectDatabase(embeddedConnection(folder))).toEqual({
    kind: 'server',
    version: expect.stringMatching(/^18\./),
    pgvector: {
      state: 'installed',
      version: expect.stringMatching(/^0\.8\./),
      least: LEAST_PGVECTOR,
      isRecentEnough: true,
      notes: [],
    },
    isEncrypted: false,
    schema: SCHEMA_VERSIONS.length,
    knownSchema: SCHEMA_VERSIONS.length,
  });
  await store.close();
  expect(await inspectDatabase(folder)).toEqual({ kind: 'embedded', folder, state: 'closed' });
});

it('names a server that does not answer, without its password', async () => {
  const refused = await inspectDatabase('postgres://me:secret@127.0.0.1:1/x').catch((error: unknown) => error);
  expect(refused).toMatchObject({ code: 'STORE_UNAVAILABLE', address: 'postgres://me@127.0.0.1:1/x' });
  expect(JSON.stringify(refused)).not.toContain('secret');
  for (const [database, code] of [
    ['postgres://me@127.0.0.1:1/x?password=secret&sslpassword=secret', 'STORE_UNAVAILABLE'],
    ['postgresql://me:secret@127.0.0.1:notaport/x', 'DATABASE_ADDRESS'],
  ] as const) {
    const other = await inspectDatabase(database).catch((error: unknown) => error);
    expect(other).toMatchObject({ code });
    expect(`${String(other)} ${JSON.stringify(other)}`).not.toContain('secret');
  }
});
