import type { Migration } from '@kimera/core';
import { NotEnoughRoomError } from './errors.js';
import { openInPlace, type InPlaceOptions } from './in-place.js';
import { openMigration } from './open-migration.js';
import type { MigrationParts } from './parts.js';
import { TRANSITIONS } from './transitions.js';

/**
 * Rows of one job, which are read, embedded and written together: what is done again when a worker dies. About 4 s of
 * work with multilingual-e5-small on two cores (docs/migration-summary.md), beside which claiming a job costs little.
 */
export const ROWS_PER_JOB = 256;

export interface StartOptions {
  /** Default {@link ROWS_PER_JOB}. */
  readonly rowsPerJob?: number;
  /** The application's vector column is exchanged at the cutover. */
  readonly inPlace?: InPlaceOptions;
}

/**
 * Opens the new space beside the old one (from now on changes are queued for it) and cuts the rows into jobs. Killed in
 * the middle, it may simply be run again.
 * @throws NoMigrationError, MigrationStateError, SpaceMismatchError, NotEnoughRoomError; in place what openInPlace throws.
 */
export async function startMigration(
  parts: MigrationParts,
  { rowsPerJob = ROWS_PER_JOB, inPlace }: StartOptions = {},
): Promise<Migration> {
  const { store, collection, target, by } = parts;
  const migration = await openMigration(parts, 'start');
  if (migration.state !== 'planned')
    return store.migrations.transition(migration.id, by, { ...TRANSITIONS.start, event: 'start', figures: {} });
  const rows = await store.collections.countRows(collection);
  const free = await store.capacity.freeBytes();
  const needed = store.capacity.estimateBytes(rows, target.space.dimension);
  if (free !== undefined && free < needed) throw new NotEnoughRoomError(needed, free);
  await store.vectors.openSpace(collection, target.space);
  const plan = inPlace === undefined ? undefined : await openInPlace(parts, migration, inPlace);
  const ranges = await store.collections.keyRanges(collection, rowsPerJob);
  await store.jobs.discard(migration.id);
  await store.jobs.enqueue(migration.id, ranges);
  return store.migrations.transition(migration.id, by, {
    ...TRANSITIONS.start,
    event: 'start',
    figures: {
      rows,
      jobs: ranges.length,
      ...(plan === undefined
        ? {}
        : { inPlace: `${plan.table}.${plan.column}`, moved: plan.moved.map(({ kind, name }) => `${kind}:${name}`) }),
    },
  });
}

type Control = Pick<MigrationParts, 'store' | 'collection' | 'by'>;

/** Workers stop at their next batch boundary. @throws NoMigrationError, MigrationStateError. */
export async function pauseMigration({ store, collection, by }: Control): Promise<Migration> {
  const { id } = await store.migrations.latestMigration(collection);
  return store.migrations.transition(id, by, { ...TRANSITIONS.pause, event: 'pause', figures: {} });
}

/** @throws NoMigrationError, MigrationStateError. */
export async function resumeMigration({ store, collection, by }: Control): Promise<Migration> {
  const { id } = await store.migrations.latestMigration(collection);
  return store.migrations.transition(id, by, { ...TRANSITIONS.resume, event: 'resume', figures: {} });
}
