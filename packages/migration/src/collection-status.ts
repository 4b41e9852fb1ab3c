import type { CollectionFault, Coverage, EmbeddingSpace, Migration } from '@kimera/core';
import { lagOf, type SpaceLag } from './keeper/lag.js';
import type { MigrationParts } from './parts.js';
import { latestMigration } from './worker/collection-worker.js';

/** What can be told of a collection, whether it has a migration, and whether its table is there. */
export interface CollectionStatus {
  readonly collection: string;
  /**
   * `broken`: its table is gone, or not as it was: nothing is read of it until that is mended. `idle`: no migration was
   * ever planned. `migration`: `migrationStatus` tells the rest.
   */
  readonly state: 'broken' | 'idle' | 'migration';
  readonly faults: readonly CollectionFault[];
  /** The newest one. */
  readonly migration: Migration | null;
  /** Null where the collection is broken. */
  readonly active: { readonly table: string; readonly space: EmbeddingSpace; readonly coverage: Coverage } | null;
  readonly lag: readonly SpaceLag[];
}

/** Needs no model. @throws UnknownCollectionError. */
export async function collectionStatus({
  store,
  collection,
}: Pick<MigrationParts, 'store' | 'collection'>): Promise<CollectionStatus> {
  const faults = await store.upkeep.faults(collection);
  const migration = (await latestMigration(store, collection)) ?? null;
  const known = { collection, faults, migration };
  if (faults.some(({ kind }) => kind === 'table-gone' || kind === 'unreadable'))
    return { ...known, state: 'broken', active: null, lag: [] };
  const { table, activeSpace } = await store.collections.collection(collection);
  const space = (await store.vectors.spaces(collection)).find(({ fingerprint }) => fingerprint === activeSpace);
  return {
    ...known,
    state: migration === null ? 'idle' : 'migration',
    active:
      space === undefined ? null : { table, space, coverage: await store.vectors.coverage(collection, activeSpace) },
    lag: await lagOf(store, collection),
  };
}
