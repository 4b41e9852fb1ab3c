import type { InPlacePlan, Migration, PrepareProgress } from '@kimera/core';
import type { MigrationParts } from './parts.js';

/** For applications that search the table with their own SQL: their vector column is exchanged at the cutover. */
export interface InPlaceOptions {
  /** What the operator has accepted: `kind:name` of the plan's `toAccept`. */
  readonly accepted: readonly string[];
}

export interface PrepareSwapOptions {
  /** Accepted since the start. */
  readonly accepted?: readonly string[];
  readonly signal?: AbortSignal;
  readonly onPrepare?: (progress: PrepareProgress) => void;
}

/**
 * Adds the column of the new space, which is open already. Where that is refused the space is closed again: nothing has
 * changed.
 * @throws InPlaceColumnError, and the store's refusals.
 */
export async function openInPlace(
  { store, collection, target }: MigrationParts,
  { id }: Migration,
  { accepted }: InPlaceOptions,
): Promise<InPlacePlan> {
  try {
    return await store.inPlace.openInPlace(id, accepted);
  } catch (error) {
    if ((await store.inPlace.inPlaceColumns(id)) === undefined)
      await store.vectors.closeSpace(collection, target.space.fingerprint);
    throw error;
  }
}

/**
 * Before a switch: the column that comes under the application's name has every vector and every index. Does nothing
 * where the migration is not in place; otherwise the log has the figures.
 */
export async function prepareSwap(
  { store, by }: MigrationParts,
  { id }: Migration,
  space: string,
  { accepted = [], signal, onPrepare }: PrepareSwapOptions,
): Promise<void> {
  const columns = await store.inPlace.inPlaceColumns(id);
  if (columns === undefined) return;
  if (accepted.length > 0) await store.inPlace.openInPlace(id, accepted);
  const { filled, indexesBuilt, indexSeconds } = await store.inPlace.prepareSwap(id, space, {
    ...(signal === undefined ? {} : { signal }),
    ...(onPrepare === undefined ? {} : { onProgress: onPrepare }),
  });
  await store.migrations.note(id, by, 'prepare', {
    column: columns.column,
    from: columns.spare,
    filled,
    indexesBuilt,
    indexSeconds: Math.round(indexSeconds * 10) / 10,
  });
}
