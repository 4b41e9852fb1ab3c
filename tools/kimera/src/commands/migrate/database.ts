import { existsSync } from 'node:fs';
import { hostname, userInfo } from 'node:os';
import type { PostgresStore } from '@kimera/store-postgres';
import type { CommandContext } from '../../console/command-context.js';
import { DatabaseNotFoundError } from '../../errors.js';

/**
 * The database of `--database`, DATABASE_URL, or ./data. A folder that another process owns is reached through that
 * process.
 * @throws DatabaseNotFoundError where a folder must exist and does not, and the store's errors.
 */
export async function openDatabase(
  { environment, folder }: CommandContext,
  given: string | undefined,
  presence: 'must exist' | 'may be created' = 'must exist',
): Promise<PostgresStore> {
  const { openOrJoinStore, openStore, parseDatabaseAddress } = await import('@kimera/store-postgres');
  const location = given ?? environment['DATABASE_URL'] ?? './data';
  const address = parseDatabaseAddress(location, { environment, folder });
  if (address.kind === 'server') return openStore({ database: location });
  const path = address.folder;
  if (presence === 'must exist' && !existsSync(path)) throw new DatabaseNotFoundError(path);
  return openOrJoinStore({ database: path });
}

/** A database that exists, for as long as `run` takes. @throws as {@link openDatabase}, what `run` throws. */
export async function withStore(
  context: CommandContext,
  { database }: { readonly database?: string },
  run: (store: PostgresStore) => Promise<void>,
): Promise<void> {
  const store = await openDatabase(context, database);
  try {
    await run(store);
  } finally {
    await store.close();
  }
}

/** Who acts, for the log: `user@host pid`. */
export function actor(): string {
  return `${userInfo().username}@${hostname()} ${process.pid}`;
}
