import { createServer, type AddressInfo, type Server } from 'node:net';
import { afterEach, describe, expect, it } from '@jest/globals';
import { StoreUnavailableError } from '../errors.js';
import { cStrings, errorResponse, frame, readyForQuery } from '../pglite/frames.js';
import { WireServer } from '../pglite/wire-server.js';
import { ServerAddress } from '../address/server-address.js';
import { Database } from './database.js';

const ends: (() => Promise<unknown>)[] = [];
afterEach(() => Promise.all(ends.splice(0).map((end) => end())));

async function databaseAt(port: number, statementMilliseconds = 60_000): Promise<Database> {
  const address = new ServerAddress(
    { host: '127.0.0.1', port: String(port), user: 'u', password: 'secret', dbname: 'd', sslmode: 'disable' },
    {},
  );
  const database = await Database.open(address, { connections: 2, statementMilliseconds });
  ends.push(() => database.close());
  return database;
}

/** A server that answers each statement. */
async function serverWith(answer: (sql: string) => Buffer): Promise<Database> {
  const execute = async (messages: Buffer): Promise<Buffer> =>
    answer(messages.subarray(5).toString('utf8').replaceAll('\0', ''));
  const server = await WireServer.listen({ execute, password: 'secret', parameters: {} }, 0);
  ends.push(() => server.close());
  return databaseAt(server.port);
}
const done = Buffer.concat([frame('C', cStrings('OK')), readyForQuery('I')]);
const failed = (state: string): Buffer =>
  Buffer.concat([errorResponse('ERROR', state, `failed with ${state}`), readyForQuery('I')]);

/** A server that takes a connection and ends it. */
async function endingServer(): Promise<Server> {
  const server = createServer((socket) => socket.once('data', () => socket.destroy()));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  ends.push(() => new Promise((resolve) => server.close(resolve)));
  return server;
}
function portOf(server: Server): number {
  return (server.address() as AddressInfo).port;
}

describe('a database', () => {
  it.each(['08000', '08003', '08006', '08P01', '53300', '57P01', '57P02', '57P03', '57P05'])(
    'that fails with %s is not available: a statement and a transaction say so, and the next goes on',
    async (state) => {
      let left = 1;
      const database = await serverWith((sql) => (sql.startsWith('FAIL') && left-- > 0 ? failed(state) : done));
      const calls = [() => database.script('FAIL'), () => database.transaction((sql) => sql.script('FAIL'))];
      for (const call of calls) {
        left = 1;
        const error: unknown = await call().catch((failure: unknown) => failure);
        expect(error).toBeInstanceOf(StoreUnavailableError);
        expect(error).toMatchObject({
          kind: 'retryable',
          address: expect.stringMatching(/^postgres:\/\/u@127/),
          reason: `failed with ${state}`,
        });
        await call();
      }
    },
  );

  it.each(['42P01', '23505', '22P02'])('that answers with %s is available: the error stays as it is', async (state) => {
    const database = await serverWith((sql) => (sql.startsWith('FAIL') ? failed(state) : done));
    await expect(database.script('FAIL')).rejects.toMatchObject({ code: state, severity: 'ERROR' });
  });

  it('whose COMMIT fails by the connection says so', async () => {
    const database = await serverWith((sql) => (sql === 'COMMIT' ? failed('57P01') : done));
    await expect(database.transaction(async () => 1)).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
  });

  it('waits shortly for a lock that others hold, and longer each time: what queues behind it waits as long', async () => {
    const waits: number[] = [];
    const database = await serverWith((sql) => {
      const [, milliseconds] = /lock_timeout = (\d+)/.exec(sql) ?? [];
      if (milliseconds !== undefined) waits.push(Number(milliseconds));
      return sql.startsWith('LOCK') && waits.length < 4 ? failed('55P03') : done;
    });
    await database.transaction((sql) => sql.script('LOCK TABLE docs'), { longestLock: 300 });
    expect(waits).toEqual([100, 200, 300, 300]);
  });

  it('that nobody listens for, or that ends the connection, is not available', async () => {
    const server = await endingServer();
    const database = await databaseAt(portOf(server));
    await expect(database.script('SELECT')).rejects.toMatchObject({
      code: 'STORE_UNAVAILABLE',
      reason: expect.stringMatching(/terminated unexpectedly|ECONNRESET/),
    });
    const silent = await endingServer();
    const port = portOf(silent);
    await new Promise((resolve) => silent.close(resolve));
    await expect((await databaseAt(port)).script('SELECT')).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
  });

  it('that ends while a statement is under way is not available', async () => {
    const server = await WireServer.listen(
      { execute: () => new Promise(() => undefined), password: 'secret', parameters: {} },
      0,
    );
    const database = await databaseAt(server.port);
    const failure = database.script('SELECT pg_sleep(60)').catch((error: unknown) => error);
    setTimeout(() => void server.close(), 50);
    expect(await failure).toBeInstanceOf(StoreUnavailableError);
  });
});
