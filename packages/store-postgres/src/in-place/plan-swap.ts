import type { EmbeddingSpace, InPlacePlan, Migration } from '@kimera/core';
import { observedVectorWrites } from '../adopt/observed-writes.js';
import { WRITES_SECONDS } from '../limits.js';
import type { Queryable } from '../sql/queryable.js';
import { inspectColumn } from './inspect-column.js';
import type { VectorColumn } from './vector-column.js';

/** A switch of a migration to one of its spaces. */
export interface SwitchOfSpaces {
  readonly collection: string;
  readonly from: EmbeddingSpace;
  readonly to: EmbeddingSpace;
  readonly way: 'forth' | 'back';
}

/**
 * {@link inspectColumn}, and on the way to a new space whether the application still writes the column: what it writes
 * would be of the wrong model after the swap. The way back is never closed by that.
 */
export async function planSwap(
  sql: Queryable,
  { collection, to, way }: Omit<SwitchOfSpaces, 'from'>,
  column: VectorColumn,
): Promise<InPlacePlan> {
  const plan = await inspectColumn(sql, column, to.dimension);
  if (way === 'back') return plan;
  const { last } = await observedVectorWrites(sql, collection, new Date(Date.now() - WRITES_SECONDS * 1000));
  if (last === null) return plan;
  const writes = {
    kind: 'application',
    name: column.column,
    detail: `wrote the column at ${last}: let the keeper alone write it for ${WRITES_SECONDS / 60} minutes`,
  };
  return { ...plan, refused: [...plan.refused, writes] };
}

export function switchOf({ collection, source, target }: Migration, toSpace: string): SwitchOfSpaces {
  return toSpace === target.fingerprint
    ? { collection, from: source, to: target, way: 'forth' }
    : { collection, from: target, to: source, way: 'back' };
}
