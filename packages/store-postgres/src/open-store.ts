import { randomBytes } from 'node:crypto';
import { join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parseDatabaseAddress } from './address/parse-address.js';
import { ServerAddress } from './address/server-address.js';
import { FolderLock, liveLock } from './lock/folder-lock.js';
import { StoreLockedError, StoreNotRunningError } from './errors.js';
import { EMBEDDED_CONNECTIONS, JOIN_MILLISECONDS, JOIN_POLL_MILLISECONDS, SERVER_CONNECTIONS } from './limits.js';
import { PGliteThread } from './pglite/pglite-thread.js';
import { openPostgresStore, type PostgresStore } from './postgres-store.js';

export interface OpenStoreOptions {
  /**
   * `postgres://…`, `postgresql://…` or `host=… dbname=…` for a server, as libpq reads them; a folder of an embedded
   * database otherwise, made where it is not there. `./` before a name makes it a folder in any case.
   */
  readonly database: string;
}

/**
 * A server's database, or an embedded one that belongs to this process until `close`.
 * @throws DatabaseAddressError before anything is made, StoreLockedError where another process has the folder open (it
 * can be joined: {@link joinStore}), ForeignLockError, DamagedLockError, PGliteOpenError, and those of
 * {@link openPostgresStore}.
 */
export async function openStore({ database }: OpenStoreOptions): Promise<PostgresStore> {
  const address = parseDatabaseAddress(database);
  if (address.kind === 'server')
    return openPostgresStore({ address, connections: SERVER_CONNECTIONS, end: async () => undefined });
  const { folder } = address;
  const lock = await FolderLock.acquire(folder, randomBytes(24).toString('base64url'));
  let thread: PGliteThread | undefined;
  const end = async (): Promise<void> => {
    await thread?.close();
    await lock.release();
  };
  try {
    thread = await PGliteThread.start({ dataFolder: join(folder, 'database'), password: lock.password, port: 0 });
  } catch (error) {
    await end();
    throw error;
  }
  const store = await openPostgresStore({
    address: embeddedAddress(thread.port, lock.password),
    connections: EMBEDDED_CONNECTIONS,
    folder,
    end,
  });
  // Others find a store whose schema is there.
  await lock.publish(thread.port);
  return store;
}

/**
 * The embedded database of a folder that another process (or this one) has open; it lives as long as its owner. @throws
 * StoreNotRunningError, ForeignLockError, DamagedLockError.
 */
export async function joinStore(folder: string): Promise<PostgresStore> {
  const absolute = resolve(folder);
  for (let waited = 0; ; waited += JOIN_POLL_MILLISECONDS) {
    const lock = liveLock(absolute);
    if (lock === undefined || waited >= JOIN_MILLISECONDS) throw new StoreNotRunningError(absolute);
    if (lock.port !== 0) {
      return openPostgresStore({
        address: embeddedAddress(lock.port, lock.password),
        connections: EMBEDDED_CONNECTIONS,
        folder: absolute,
        end: async () => undefined,
      });
    }
    await delay(JOIN_POLL_MILLISECONDS);
  }
}

/**
 * {@link openStore}, or {@link joinStore} where another process has the folder open. @throws as they do, but no
 * StoreLockedError.
 */
export async function openOrJoinStore(options: OpenStoreOptions): Promise<PostgresStore> {
  try {
    return await openStore(options);
  } catch (error) {
    if (error instanceof StoreLockedError) return joinStore(options.database);
    throw error;
  }
}

/** What the environment says of servers does not matter here. */
function embeddedAddress(port: number, password: string): ServerAddress {
  return new ServerAddress(
    { host: '127.0.0.1', port: String(port), user: 'kimera', password, dbname: 'postgres', sslmode: 'disable' },
    {},
  );
}
