import { quoted } from '../sql/identifier.js';
import type { Queryable } from '../sql/queryable.js';
import { copySettings } from './column-settings.js';
import { ColumnSwap, columnOf, type SwapNames } from './column-swap.js';
import { columnType, type ColumnName } from './vector-column.js';

/**
 * Adds the column `spare` beside the application's, in the running transaction. First the whole swap is done and undone,
 * so that what PostgreSQL would refuse after the backfill is refused now. @throws InPlaceMoveError.
 */
export async function openColumn(sql: Queryable, names: SwapNames, dimension: number): Promise<void> {
  await sql.script('SAVEPOINT rehearsal');
  const swap = await ColumnSwap.begin(sql, names);
  await addColumn(sql, names, dimension);
  await swap.finish('left');
  await sql.script('ROLLBACK TO SAVEPOINT rehearsal');
  const { schema, table } = names.column;
  await sql.script(`LOCK TABLE ${quoted(schema, table)} IN ACCESS EXCLUSIVE MODE`);
  await addColumn(sql, names, dimension);
}

/** A column of ours, with its indexes. The table may be gone. */
export async function dropColumn(sql: Queryable, { schema, table, column }: ColumnName): Promise<void> {
  await sql.script(`ALTER TABLE IF EXISTS ${quoted(schema, table)} DROP COLUMN IF EXISTS ${quoted(column)}`);
}

async function addColumn(sql: Queryable, { column, spare }: SwapNames, dimension: number): Promise<void> {
  const user = await columnOf(sql, column);
  await sql.script(`ALTER TABLE ${user.quotedTable} ADD COLUMN ${quoted(spare)} ${columnType(user, dimension)}`);
  // Values are stored as the settings say when they are written: before the first one.
  await copySettings(sql, user, await columnOf(sql, { ...column, column: spare }));
}
