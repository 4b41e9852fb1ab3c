import {
  InPlaceColumnError,
  type EmbeddingSpace,
  type InPlaceColumns,
  type InPlacePlan,
  type InPlaceStore,
  type Migration,
  type PrepareOptions,
  type PrepareResult,
} from '@kimera/core';
import { readMigration } from '../migration-rows.js';
import type { Database } from '../sql/database.js';
import type { Queryable } from '../sql/queryable.js';
import { buildIndexes } from './build-indexes.js';
import { fillColumn } from './fill-column.js';
import { checkPlan } from './inspect-column.js';
import { openColumn } from './open-column.js';
import { planSwap, switchOf } from './plan-swap.js';
import { readAccepted, readApplicationColumn, setMirror, spareColumn, swapNames } from './spaces-in-place.js';
import { unboundType } from './vector-column.js';

export class PostgresInPlace implements InPlaceStore {
  constructor(private readonly database: Database) {}

  planInPlace(collection: string, target: EmbeddingSpace): Promise<InPlacePlan> {
    return this.database.transaction(async (sql) =>
      planSwap(sql, { collection, to: target, way: 'forth' }, await readApplicationColumn(sql, collection)),
    );
  }

  openInPlace(migration: string, accepted: readonly string[]): Promise<InPlacePlan> {
    return this.database.transaction(async (sql) => {
      const held = await readMigration(sql, migration, 'held');
      const { collection, source, target } = held;
      const column = await readApplicationColumn(sql, collection, 'held');
      const before = await readAccepted(sql, migration);
      const all = [...new Set([...(before ?? []), ...accepted])];
      const other = await otherSpace(sql, held);
      const plan = await planSwap(sql, switchOf(held, other.fingerprint), column);
      checkPlan(plan, all);
      await sql.run(
        'INSERT INTO kimera.in_place (migration, accepted) VALUES ($1, $2) ON CONFLICT (migration) DO UPDATE SET accepted = excluded.accepted',
        [migration, all],
      );
      if (before !== undefined) return plan;
      const names = swapNames(held, column, target.fingerprint);
      await openColumn(sql, names, target.dimension);
      await setMirror(sql, collection, source.fingerprint, column.column, unboundType(column));
      await setMirror(sql, collection, target.fingerprint, names.spare, unboundType(column));
      return plan;
    });
  }

  async inPlaceColumns(migration: string): Promise<InPlaceColumns | undefined> {
    const held = await readMigration(this.database, migration);
    if ((await readAccepted(this.database, migration)) === undefined || held.state === 'retired') return undefined;
    // Where the application dropped its column, a switch says so.
    const user = await readApplicationColumn(this.database, held.collection).catch((error: unknown) => {
      if (error instanceof InPlaceColumnError) return undefined;
      throw error;
    });
    if (user === undefined) return undefined;
    const spare = await spareColumn(
      this.database,
      held.collection,
      (await otherSpace(this.database, held)).fingerprint,
    );
    return spare === undefined ? undefined : { table: user.title, column: user.column, spare: spare.column };
  }

  async prepareSwap(migration: string, space: string, options: PrepareOptions = {}): Promise<PrepareResult> {
    const held = await readMigration(this.database, migration);
    const names = await this.database.transaction(async (sql) => {
      const column = await readApplicationColumn(sql, held.collection);
      checkPlan(await planSwap(sql, switchOf(held, space), column), (await readAccepted(sql, migration)) ?? []);
      return swapNames(held, column, space);
    });
    const filled = await fillColumn(this.database, held.collection, space, options);
    const { built, seconds } = await buildIndexes(this.database, names, options);
    return { filled, indexesBuilt: built, indexSeconds: seconds };
  }
}

/** The one that the application's column does not have. */
async function otherSpace(sql: Queryable, { collection, source, target }: Migration): Promise<EmbeddingSpace> {
  const spare = await spareColumn(sql, collection, source.fingerprint);
  return spare === undefined ? target : source;
}
