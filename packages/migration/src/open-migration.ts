import { MigrationStateError, SpaceMismatchError, type Migration } from '@kimera/core';
import type { MigrationParts } from './parts.js';
import { TRANSITIONS } from './transitions.js';

/**
 * The collection's migration, between these two models. @throws NoMigrationError, SpaceMismatchError,
 * MigrationStateError where it is retired.
 */
export async function openMigration(
  { store, collection, source, target }: MigrationParts,
  event: string,
): Promise<Migration> {
  const migration = await store.migrations.latestMigration(collection);
  if (migration.state === 'retired')
    throw new MigrationStateError(migration.id, event, migration.state, TRANSITIONS.retire.expected);
  for (const [embedder, space] of [
    [source, migration.source],
    [target, migration.target],
  ] as const) {
    if (embedder.space.fingerprint !== space.fingerprint)
      throw new SpaceMismatchError(
        space.fingerprint,
        embedder.space.fingerprint,
        `${event} with ${embedder.space.modelId}`,
      );
  }
  return migration;
}
