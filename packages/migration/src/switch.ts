import { MigrationStateError, type Migration, type SwitchResult, type TextEmbedder } from '@kimera/core';
import { embedRows } from './embed-rows.js';
import { PoisonRowsError, RowsMissingError } from './errors.js';
import { prepareSwap, type PrepareSwapOptions } from './in-place.js';
import { openMigration } from './open-migration.js';
import type { MigrationParts } from './parts.js';
import { TRANSITIONS } from './transitions.js';
import { work } from './worker/work.js';

/**
 * Changes that may be embedded while writers of the collection wait: busy tables never converge otherwise. About 7 s
 * with multilingual-e5-small on two cores (docs/migration-summary.md); usually a few changes wait.
 */
export const MAX_PENDING = 500;

export interface SwitchOptions extends PrepareSwapOptions {
  /** Default {@link MAX_PENDING}. */
  readonly maxPending?: number;
}

/**
 * Searches use the new space from here on; the old vectors stay, and are kept current while the migration is not
 * retired.
 * @throws NoMigrationError, MigrationStateError (not verified), PoisonRowsError, RowsMissingError, CatchUpError;
 * nothing has changed then.
 */
export function cutOver(parts: MigrationParts, options: SwitchOptions = {}): Promise<SwitchResult> {
  return switchTo(parts, 'cutover', parts.source, parts.target, options);
}

/**
 * Back to the old space: the vectors of unchanged rows are those from before, byte for byte; changed rows have theirs
 * of their present text. @throws as cutOver.
 */
export function rollBack(parts: MigrationParts, options: SwitchOptions = {}): Promise<SwitchResult> {
  return switchTo(parts, 'rollback', parts.target, parts.source, options);
}

async function switchTo(
  parts: MigrationParts,
  event: 'cutover' | 'rollback',
  from: TextEmbedder,
  to: TextEmbedder,
  { maxPending = MAX_PENDING, ...prepare }: SwitchOptions,
): Promise<SwitchResult> {
  const { store, by } = parts;
  const migration = await openMigration(parts, event);
  const change = {
    ...TRANSITIONS[event],
    event,
    figures: {},
    from: from.space.fingerprint,
    toSpace: to.space.fingerprint,
    maxPending,
  };
  // Refused before any work is done; the store checks again in its transaction.
  if (!change.expected.some((state) => state === migration.state))
    throw new MigrationStateError(migration.id, event, migration.state, change.expected);
  // May take long: what changes meanwhile is caught up with after it.
  await prepareSwap(parts, migration, to.space.fingerprint, prepare);
  await work(parts, { until: 'caught-up' });
  await refuseGaps(parts, migration, to);
  return store.migrations.switchSpace(migration.id, by, change, async (rows) => {
    const { vectors, poison } = await embedRows(to, rows);
    if (poison.length > 0)
      throw new PoisonRowsError(
        poison.map(({ id }) => id),
        poison[0]?.reason ?? '',
      );
    return vectors;
  });
}

async function refuseGaps({ store, collection }: MigrationParts, { id }: Migration, to: TextEmbedder): Promise<void> {
  const space = to.space.fingerprint;
  const poison = (await store.migrations.poison(id)).filter((row) => row.space === space);
  const blocking = poison.filter(({ excused }) => excused === 'no');
  if (blocking.length > 0)
    throw new PoisonRowsError(
      blocking.map((row) => row.id),
      blocking[0]?.reason ?? '',
    );
  const { missing, stale, pending } = await store.vectors.coverage(collection, space);
  const unexplained = missing + stale - pending - poison.length;
  if (unexplained > 0) throw new RowsMissingError(missing + stale, poison.length);
}
