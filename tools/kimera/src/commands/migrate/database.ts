import { existsSync } from 'node:fs';
import { hostname, userInfo } from 'node:os';
import { KimeraError } from '@kimera/core';
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
  const { joinStore, openStore, parseDatabaseAddress } = await import('@kimera/store-postgres');
  const location = given ?? environment['DATABASE_URL'] ?? './data';
  const address = parseDatabaseAddress(location, { environment, folder });
  if (address.kind === 'server') return openStore({ database: location });
  const path = address.folder;
  if (presence === 'must exist' && !existsSync(path)) throw new DatabaseNotFoundError(path);
  try {
    return await openStore({ database: path });
  } catch (error) {
    if (!(error instanceof KimeraError) || error.code !== 'STORE_LOCKED') throw error;
    return joinStore(path);
  }
}

/** Who acts, for the log: `user@host pid`. */
export function actor(): string {
  return `${userInfo().username}@${hostname()} ${process.pid}`;
}
