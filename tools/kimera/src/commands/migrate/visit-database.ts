import type { PostgresStore } from '@kimera/store-postgres';
import type { CommandContext } from '../../console/command-context.js';
import { openDatabase } from './database.js';

/**
 * The store for a command that may end without a collection in the database: what was made there to open it is taken
 * away again then.
 */
export async function visitDatabase(
  context: CommandContext,
  given: string | undefined,
  presence: 'must exist' | 'may be created',
  run: (store: PostgresStore) => Promise<void>,
): Promise<void> {
  const { inspectDatabase } = await import('@kimera/store-postgres');
  const location = given ?? context.environment['DATABASE_URL'] ?? '';
  const before = await inspectDatabase(location === '' ? './data' : location);
  const store = await openDatabase(context, given, presence);
  try {
    await run(store);
  } finally {
    // A folder is ours as a whole.
    if (before.kind === 'server' && before.schema === 0) await store.adoption.removeSchema();
    await store.close();
  }
}
