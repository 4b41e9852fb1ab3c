import type { Migration } from '@kimera/core';
import type { Queryable } from '../sql/queryable.js';
import { ColumnSwap } from './column-swap.js';
import { checkPlan } from './inspect-column.js';
import { planSwap, switchOf } from './plan-swap.js';
import { readAccepted, readApplicationColumn, setMirror, swapNames } from './spaces-in-place.js';
import { unboundType } from './vector-column.js';

/**
 * For the transaction that moves the pointer: keeps readers and writers out of the application's table, and returns what
 * exchanges its columns at the end. undefined where the migration is not in place; then nothing is locked.
 * @throws InPlaceRefusedError, InPlaceNotAcceptedError, InPlaceColumnError, InPlaceIndexError, InPlaceMoveError.
 */
export async function beginSwapOfSpaces(
  sql: Queryable,
  migration: Migration,
  toSpace: string,
): Promise<(() => Promise<void>) | undefined> {
  const accepted = await readAccepted(sql, migration.id);
  if (accepted === undefined) return undefined;
  const change = switchOf(migration, toSpace);
  const { collection, from, to } = change;
  const column = await readApplicationColumn(sql, collection);
  const names = swapNames(migration, column, toSpace);
  checkPlan(await planSwap(sql, change, column), accepted);
  const swap = await ColumnSwap.begin(sql, names);
  return async () => {
    await swap.finish('exchanged');
    await setMirror(sql, collection, to.fingerprint, column.column, unboundType(column));
    await setMirror(sql, collection, from.fingerprint, names.spareAfter, unboundType(column));
  };
}
