import type {
  CollectionFault,
  Coverage,
  InPlaceColumns,
  JobCounts,
  Migration,
  MigrationEvent,
  PoisonRecord,
} from '@kimera/core';
import { lagOf, type SpaceLag } from './keeper/lag.js';
import { movedTenants, type MovedTenants } from './moved-tenants.js';
import type { MigrationParts } from './parts.js';

/** Everything about a collection's migration that a person or a program may want to see. */
export interface MigrationStatus {
  readonly collection: string;
  readonly table: string;
  readonly activeSpace: string;
  readonly migration: Migration;
  readonly jobs: JobCounts;
  /** Of the source and the target; null where a space has no vectors (not started, or dropped). */
  readonly source: Coverage | null;
  readonly target: Coverage | null;
  /** Where the application's vector column is exchanged at the cutover, else null. */
  readonly inPlace: InPlaceColumns | null;
  /** Whose searches use the new space. */
  readonly moved: MovedTenants;
  /** Of every space that the collection has vectors in. */
  readonly lag: readonly SpaceLag[];
  /** Why vectors may not be those of their rows; empty: the collection is whole. */
  readonly faults: readonly CollectionFault[];
  readonly poison: readonly PoisonRecord[];
  readonly events: readonly MigrationEvent[];
}

/** Needs no model. @throws UnknownCollectionError, NoMigrationError. */
export async function migrationStatus({
  store,
  collection: name,
}: Pick<MigrationParts, 'store' | 'collection'>): Promise<MigrationStatus> {
  const { table, activeSpace } = await store.collections.collection(name);
  const migration = await store.migrations.latestMigration(name);
  const open = new Set((await store.vectors.spaces(name)).map(({ fingerprint }) => fingerprint));
  const coverage = async (space: string): Promise<Coverage | null> =>
    open.has(space) ? store.vectors.coverage(name, space) : null;
  const events = await store.migrations.events(migration.id);
  return {
    collection: name,
    table,
    activeSpace,
    migration,
    jobs: await store.jobs.counts(migration.id),
    source: await coverage(migration.source.fingerprint),
    target: await coverage(migration.target.fingerprint),
    inPlace: (await store.inPlace.inPlaceColumns(migration.id)) ?? null,
    moved: movedTenants(events),
    lag: await lagOf(store, name),
    faults: await store.upkeep.faults(name),
    poison: await store.migrations.poison(migration.id),
    events,
  };
}
