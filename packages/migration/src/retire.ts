import type { Migration } from '@kimera/core';
import { TenantsSplitError } from './errors.js';
import { isSplit, movedTenants } from './moved-tenants.js';
import type { MigrationParts } from './parts.js';
import { TRANSITIONS } from './transitions.js';

/**
 * Ends a migration: the vectors of the space that searches do not use are dropped. After a cutover there is no way back
 * from here; before it, or after a rollback, the collection is as if nothing had been. Killed in the middle, it may
 * simply be run again.
 * @throws NoMigrationError, TenantsSplitError where searches use both spaces.
 */
export async function retireMigration({
  store,
  collection,
  by,
}: Pick<MigrationParts, 'store' | 'collection' | 'by'>): Promise<Migration> {
  let migration = await store.migrations.latestMigration(collection);
  const moved = movedTenants(await store.migrations.events(migration.id));
  if (isSplit(moved)) throw new TenantsSplitError(collection, moved);
  const { activeSpace } = await store.collections.collection(collection);
  const losing = activeSpace === migration.source.fingerprint ? migration.target : migration.source;
  if (migration.state !== 'retired')
    migration = await store.migrations.transition(migration.id, by, {
      ...TRANSITIONS.retire,
      event: 'retire',
      figures: { dropped: losing.fingerprint, dropsModel: losing.modelId },
    });
  await store.jobs.discard(migration.id);
  await store.vectors.closeSpace(collection, losing.fingerprint);
  return migration;
}
