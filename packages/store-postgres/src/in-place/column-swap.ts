import { KimeraError } from '@kimera/core';
import { z } from 'zod';
import { InPlaceIndexError, InPlaceMoveError, InPlaceRefusedError } from '../errors.js';
import { literal, quoted } from '../sql/identifier.js';
import type { Queryable } from '../sql/queryable.js';
import { connectionReason } from '../sql/connection-failure.js';
import { isContention } from '../sql/sql-state.js';
import { inCatalogPath } from './catalog-path.js';
import { copySettings } from './column-settings.js';
import { readTies } from './dependents.js';
import { readIndexes, type ColumnIndex } from './indexes.js';
import { readVectorColumn, type ColumnName, type VectorColumn } from './vector-column.js';
import { createViews, dropViews, readViews, type View } from './views.js';

export interface SwapNames {
  /** The application's column. */
  readonly column: ColumnName;
  /** The column beside it, which gets its name. */
  readonly spare: string;
  /** The name that the application's column has afterwards. */
  readonly spareAfter: string;
}

/**
 * The exchange of the application's column with the one beside it, in two steps of one transaction. Nobody reads or
 * writes the table between the two. Views go first, since their readers lock them before the table.
 */
export class ColumnSwap {
  private constructor(
    private readonly sql: Queryable,
    private readonly names: SwapNames,
    private readonly views: readonly View[],
  ) {}

  /** Waits for those who use the table, and keeps others out. */
  static async begin(sql: Queryable, names: SwapNames): Promise<ColumnSwap> {
    const { schema, table } = names.column;
    const views = await inCatalogPath(sql, async () => {
      const column = await columnOf(sql, names.column);
      const before = await readViews(sql, column);
      await dropViews(sql, before.views);
      await sql.script(`LOCK TABLE ${quoted(schema, table)} IN ACCESS EXCLUSIVE MODE`);
      // Those that were made while this waited.
      const late = await readViews(sql, column);
      await dropViews(sql, late.views);
      return [...before.views, ...late.views];
    });
    return new ColumnSwap(sql, names, views);
  }

  /**
   * @param indexes with `left` the indexes of the application's column stay on it (a rehearsal).
   * @throws InPlaceRefusedError, InPlaceIndexError where the column beside lacks one, InPlaceMoveError where PostgreSQL refuses a step.
   */
  finish(indexes: 'exchanged' | 'left'): Promise<void> {
    return inCatalogPath(this.sql, async () => {
      const { sql, names } = this;
      const user = await columnOf(sql, names.column);
      const spare = await columnOf(sql, { ...names.column, column: names.spare });
      const ties = await readTies(sql, user);
      if (ties.length > 0) throw new InPlaceRefusedError(user.title, user.column, ties);
      const wanted = await readIndexes(sql, user);
      await this.#step('its settings', () => copySettings(sql, user, spare));
      await this.#step('its default', () => carryDefault(sql, user, spare));
      if (indexes === 'exchanged') await this.#step('NOT NULL', () => carryNotNull(sql, user, spare));
      const rename = `ALTER TABLE ${user.quotedTable} RENAME COLUMN`;
      await sql.script(`${rename} ${quoted(user.column)} TO ${quoted(names.spareAfter)}`);
      await sql.script(`${rename} ${quoted(names.spare)} TO ${quoted(user.column)}`);
      if (indexes === 'exchanged') await exchangeIndexes(sql, wanted, await readIndexes(sql, spare));
      await this.#step('the views', () => createViews(sql, this.views));
      const after = await readViews(sql, spare);
      const changed = this.views.find((view, i) => JSON.stringify(view) !== JSON.stringify(after.views[i]));
      if (changed !== undefined)
        throw new InPlaceMoveError(`view ${changed.schema}.${changed.name}`, 'it is not what it was');
    });
  }

  async #step(what: string, work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      if (error instanceof KimeraError || isContention(error)) throw error;
      throw new InPlaceMoveError(what, connectionReason(error), { cause: error });
    }
  }
}

/** @throws InPlaceMoveError. */
export async function columnOf(sql: Queryable, name: ColumnName): Promise<VectorColumn> {
  const column = await readVectorColumn(sql, name);
  if (column === undefined)
    throw new InPlaceMoveError(`column ${name.column} of ${name.schema}.${name.table}`, 'it is not there any more');
  return column;
}

async function carryDefault(sql: Queryable, user: VectorColumn, spare: VectorColumn): Promise<void> {
  if (user.defaultValue === spare.defaultValue) return;
  const alter = `ALTER TABLE ${user.quotedTable} ALTER COLUMN`;
  await sql.script(
    `${alter} ${quoted(spare.column)} ${user.defaultValue === null ? 'DROP DEFAULT' : `SET DEFAULT ${user.defaultValue}`}`,
  );
  // A row that is inserted has no vector in the other space until the keeper writes it.
  if (user.defaultValue !== null) await sql.script(`${alter} ${quoted(user.column)} DROP DEFAULT`);
}

/** Every row is looked at while nobody else uses the table. */
async function carryNotNull(sql: Queryable, user: VectorColumn, spare: VectorColumn): Promise<void> {
  if (user.notNull === spare.notNull) return;
  const alter = `ALTER TABLE ${user.quotedTable}`;
  if (!user.notNull) {
    await sql.script(`${alter} ALTER COLUMN ${quoted(spare.column)} DROP NOT NULL`);
    return;
  }
  // PostgreSQL 18 keeps NOT NULL as a constraint with a name.
  const name = await notNullName(sql, user);
  await sql.script(`${alter} ALTER COLUMN ${quoted(user.column)} DROP NOT NULL`);
  await sql.script(`${alter} ALTER COLUMN ${quoted(spare.column)} SET NOT NULL`);
  const given = await notNullName(sql, spare);
  if (name !== undefined && given !== undefined && name !== given)
    await sql.script(`${alter} RENAME CONSTRAINT ${quoted(given)} TO ${quoted(name)}`);
}

async function notNullName(sql: Queryable, { oid, attribute }: VectorColumn): Promise<string | undefined> {
  return (
    await sql.row(
      z.object({ name: z.string() }),
      `SELECT conname AS name FROM pg_constraint WHERE conrelid = $1::oid AND contype = 'n' AND conkey = ARRAY[$2::int2]`,
      [oid, attribute],
    )
  )?.name;
}

/** Each index of before gives its name and its comment to its equal on the new column, and takes that one's name. */
async function exchangeIndexes(
  sql: Queryable,
  before: readonly ColumnIndex[],
  after: readonly ColumnIndex[],
): Promise<void> {
  const free = [...after];
  const pairs = before.map((old) => {
    const place = free.findIndex(({ shape, valid }) => valid && shape === old.shape);
    return [old, place === -1 ? undefined : free.splice(place, 1)[0]] as const;
  });
  const missing = pairs.filter(([, equal]) => equal === undefined).map(([{ schema, name }]) => `${schema}.${name}`);
  if (missing.length > 0) throw new InPlaceIndexError(missing);
  const rename = (schema: string, from: string, to: string): Promise<void> =>
    sql.script(`ALTER INDEX ${quoted(schema, from)} RENAME TO ${quoted(to)}`);
  for (const [old, equal] of pairs) {
    if (equal === undefined) continue;
    const between = `kimera_swap_${old.oid}`;
    await rename(old.schema, old.name, between);
    await rename(equal.schema, equal.name, old.name);
    await rename(old.schema, between, equal.name);
    if (old.comment !== equal.comment)
      await sql.script(
        `COMMENT ON INDEX ${quoted(equal.schema, old.name)} IS ${old.comment === null ? 'NULL' : literal(old.comment)}`,
      );
  }
  // The application dropped its index meanwhile.
  for (const { schema, name } of free) await sql.script(`DROP INDEX ${quoted(schema, name)}`);
}
