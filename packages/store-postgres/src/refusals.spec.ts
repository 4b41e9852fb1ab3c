import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { afterAll, afterEach, describe, expect, it, jest } from '@jest/globals';
import { ClosedError } from '@kimera/core';
import { fakeSpace } from '@kimera/testing';
import { z } from 'zod';
import { ServerAddress } from './address/server-address.js';
import { openStore } from './open-store.js';
import { cStrings, errorResponse, frame, readyForQuery } from './pglite/frames.js';
import { WireServer } from './pglite/wire-server.js';
import { ensurePgvector, isOlder } from './schema/pgvector.js';
import { SCHEMA_VERSIONS } from './schema/versions.js';
import { Database } from './sql/database.js';
import { Pgvector } from './sql/pgvector.js';
import { Queryable } from './sql/queryable.js';
import { embeddedConnection, SqlApplication, TemporaryFolders } from './store.fixture.js';

jest.setTimeout(180_000);
const folders = new TemporaryFolders();
const servers: WireServer[] = [];
afterEach(() => Promise.all(servers.splice(0).map((server) => server.close())));
afterAll(() => folders.remove());

/** A database whose answers are made up: rows for statements that have them, an error for those that fail. */
function madeUp(answers: Readonly<Record<string, readonly Record<string, unknown>[] | Error>>): Queryable {
  const query = async ({ text }: { readonly text: string }) => {
    const [, answer] = Object.entries(answers).find(([part]) => text.includes(part)) ?? [];
    if (answer instanceof Error) throw answer;
    const rows = [...(answer ?? [])];
    return { rows, rowCount: rows.length, command: '', oid: 0, fields: [] };
  };
  return new Queryable({ query }, () => new Pgvector('public', '0.8.5'));
}

describe('a store is refused', () => {
  it('where its server does not answer or does not let the user in, without the password in the message', async () => {
    const server = await WireServer.listen(
      { execute: async () => readyForQuery('I'), password: 'right', parameters: {} },
      0,
    );
    const { port } = server;
    const database = `postgres://someone:wrong@127.0.0.1:${port}/any`;
    const inside = await openStore({ database }).catch((error: unknown) => error);
    await server.close();
    const outside = await openStore({ database }).catch((error: unknown) => error);
    const address = `postgres://someone@127.0.0.1:${port}/any`;
    expect(inside).toMatchObject({ code: 'STORE_ACCESS', kind: 'refused', address });
    expect(outside).toMatchObject({ code: 'STORE_UNAVAILABLE', kind: 'retryable', address });
    for (const error of [inside, outside]) expect(inspect(error, { depth: 10 })).not.toContain('wrong@');
    expect([inside, outside].map(String)).toEqual([
      expect.stringContaining('wrong password'),
      expect.stringContaining('ECONNREFUSED'),
    ]);
  });

  it('where pgvector is absent, too old, or cannot be installed', async () => {
    await expect(
      ensurePgvector(madeUp({ 'CREATE EXTENSION': new Error('could not open extension control file') })),
    ).rejects.toMatchObject({ code: 'PGVECTOR_MISSING', reason: 'could not open extension control file' });
    await expect(ensurePgvector(madeUp({}))).rejects.toMatchObject({ code: 'PGVECTOR_MISSING' });
    await expect(
      ensurePgvector(madeUp({ pg_extension: [{ schema: 'public', version: '0.6.2' }] })),
    ).rejects.toMatchObject({
      code: 'PGVECTOR_TOO_OLD',
      actual: '0.6.2',
      least: '0.7.0',
    });
    await expect(
      ensurePgvector(madeUp({ pg_extension: [{ schema: 'extensions', version: '0.7.0' }] })),
    ).resolves.toEqual(new Pgvector('extensions', '0.7.0'));
  });

  it.each([
    ['0.8.3', true],
    ['0.8.4', false],
    ['0.8.10', false],
    ['0.7.9', true],
    ['1.0', false],
    ['0.8', true],
    ['0.8.4.1', false],
    ['0.9.0-dev', false],
  ] as const)('by the numbers of a version: %s', (version, older) => {
    expect(isOlder(version, '0.8.4')).toBe(older);
  });

  it('where a newer program has changed the schema, and the folder is free again', async () => {
    const folder = await folders.withDatabase();
    const store = await openStore({ database: folder });
    const application = new SqlApplication(embeddedConnection(folder));
    await application.pool.query('INSERT INTO kimera.schema_version (version) VALUES (99)');
    await application.close();
    await store.close();
    await expect(openStore({ database: folder })).rejects.toMatchObject({
      code: 'SCHEMA_TOO_NEW',
      actual: 99,
      known: SCHEMA_VERSIONS.length,
    });
    expect(existsSync(join(folder, 'kimera.lock'))).toBe(false);
  });

  it('where its folder holds something else, and the folder is free again', async () => {
    const folder = await folders.empty();
    await mkdir(join(folder, 'database'));
    await writeFile(join(folder, 'database', 'PG_VERSION'), '7.4\n');
    await expect(openStore({ database: folder })).rejects.toMatchObject({ code: 'PGLITE_OPEN' });
    expect(existsSync(join(folder, 'kimera.lock'))).toBe(false);
  });

  it('more numbers than a column holds, and a table that is not ours', async () => {
    const folder = await folders.withDatabase();
    const store = await openStore({ database: folder });
    const application = new SqlApplication(embeddedConnection(folder));
    await expect(
      store.collections.createCollection('wide', fakeSpace('wide', { dimension: 16_001 })),
    ).rejects.toMatchObject({
      code: 'DIMENSION_TOO_LARGE',
      dimension: 16_001,
      limit: 16_000,
    });
    await application.pool.query('CREATE TABLE public.theirs (a integer)');
    await expect(store.collections.createCollection('theirs', fakeSpace('any'))).rejects.toMatchObject({
      code: 'COLLECTION_EXISTS',
    });
    await application.close();
    await store.close();
  });
});

describe('a transaction', () => {
  /** A server that answers each statement with this SQLSTATE once it is asked to lock, and keeps all statements. */
  async function lockingServer(
    sqlState: string,
    failures: number,
  ): Promise<{ readonly database: Database; readonly statements: string[] }> {
    const statements: string[] = [];
    let left = failures;
    const execute = async (messages: Buffer): Promise<Buffer> => {
      const sql = messages.subarray(5).toString('utf8').replaceAll('\0', '');
      statements.push(sql);
      if (sql.startsWith('LOCK') && left-- > 0)
        return Buffer.concat([errorResponse('ERROR', sqlState, 'held by another'), readyForQuery('E')]);
      return Buffer.concat([
        frame('C', cStrings('OK')),
        readyForQuery(sql.startsWith('BEGIN') || sql.startsWith('LOCK') ? 'T' : 'I'),
      ]);
    };
    const server = await WireServer.listen({ execute, password: 'p', parameters: {} }, 0);
    servers.push(server);
    return {
      database: await Database.open(
        new ServerAddress(
          { host: '127.0.0.1', port: String(server.port), user: 'u', password: 'p', sslmode: 'disable' },
          {},
        ),
        { connections: 2 },
      ),
      statements,
    };
  }
  const locking = (sql: Queryable): Promise<void> => sql.script('LOCK TABLE t');

  it('that others stand in the way of runs again, from the start', async () => {
    for (const state of ['55P03', '40P01']) {
      const { database, statements } = await lockingServer(state, 2);
      await database.transaction(locking);
      expect(statements.filter((sql) => sql.startsWith('LOCK')).length).toBe(3);
      expect(statements.filter((sql) => sql.startsWith('ROLLBACK')).length).toBe(2);
      expect(statements.at(-1)).toBe('COMMIT');
      await database.close();
    }
  });

  it('gives up after eight attempts, and at once where it is its own fault', async () => {
    const busy = await lockingServer('55P03', 100);
    await expect(busy.database.transaction(locking)).rejects.toMatchObject({ code: 'STORE_BUSY', attempts: 8 });
    expect(busy.statements.filter((sql) => sql.startsWith('LOCK')).length).toBe(8);
    const wrong = await lockingServer('42P01', 100);
    await expect(wrong.database.transaction(locking)).rejects.toMatchObject({ code: '42P01' });
    expect(wrong.statements.filter((sql) => sql.startsWith('LOCK')).length).toBe(1);
    await Promise.all([busy.database.close(), wrong.database.close()]);
  });

  it('is refused once the database is closed', async () => {
    const { database } = await lockingServer('55P03', 0);
    await database.close();
    await expect(database.transaction(locking)).rejects.toBeInstanceOf(ClosedError);
    await expect(database.rows(z.unknown(), 'SELECT 1')).rejects.toBeInstanceOf(ClosedError);
    await expect(database.script('SELECT 1')).rejects.toBeInstanceOf(ClosedError);
  });
});
