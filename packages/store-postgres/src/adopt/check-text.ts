import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import type { Database } from '../sql/database.js';
import { quoted } from '../sql/identifier.js';
import type { Queryable } from '../sql/queryable.js';
import { sqlState } from '../sql/sql-state.js';
import { TEXT_TYPES } from './column-types.js';
import {
  TextBeyondRowError,
  TextExpressionError,
  TextNotImmutableError,
  TextTypeError,
  TextVirtualColumnError,
} from './errors.js';
import type { TableDescription } from './table-description.js';

/** SQLSTATEs with which PostgreSQL refuses a generated column: what a generated column may be is what a text may be. */
const NOT_IMMUTABLE = '42P17';
const BEYOND_ROW = ['0A000', '42803', '42P20'];

/**
 * PostgreSQL's own form of the expression for a row's text: names of functions and types with their schemas, so that it
 * means the same under any search_path. Nothing is left in the database.
 * @throws TextExpressionError, TextNotImmutableError, TextBeyondRowError, TextTypeError, TextVirtualColumnError.
 */
export async function checkText(database: Database, table: TableDescription, given: string): Promise<string> {
  const names = table.columns.map(({ name }) => name);
  const expression = names.includes(given) ? quoted(given) : given;
  try {
    return await database.transaction(async (sql) => {
      await parse(sql, table, expression);
      return canonical(sql, table, given, expression);
    });
  } catch (error) {
    const state = sqlState(error);
    if (state === undefined || !(error instanceof Error)) throw error;
    if (state === NOT_IMMUTABLE)
      throw new TextNotImmutableError(given, await volatileFunctions(database, table, expression));
    if (BEYOND_ROW.includes(state)) throw new TextBeyondRowError(given, error.message);
    if (/^(?:42|22|P0)/.test(state)) throw new TextExpressionError(given, error.message, names);
    throw error;
  }
}

/**
 * The expression alone, as one statement with a value: PostgreSQL refuses a second statement there, and a comment or a
 * bracket that closes too early.
 */
async function parse(sql: Queryable, { schema, name }: TableDescription, expression: string): Promise<void> {
  await sql.run(`SELECT (\n${expression}\n) FROM ${quoted(schema, name)} WHERE $1::boolean LIMIT 0`, [false]);
}

async function canonical(sql: Queryable, table: TableDescription, given: string, expression: string): Promise<string> {
  const { schema, name } = table;
  const copy = quoted('kimera', `adoption_${randomUUID()}`);
  await sql.script(`CREATE TABLE ${copy} (LIKE ${quoted(schema, name)})`);
  const type = await sql.row(
    z.object({ type: z.string(), name: z.string() }),
    `SELECT format_type(t.oid, NULL) AS type, t.typname AS name FROM (SELECT pg_typeof(e.value) AS oid FROM (SELECT 1) one LEFT JOIN LATERAL (SELECT (\n${expression}\n) AS value FROM ${copy} LIMIT 1) e ON true) typed JOIN pg_type t ON t.oid = typed.oid`,
  );
  await sql.script(
    `ALTER TABLE ${copy} ADD COLUMN kimera_text text GENERATED ALWAYS AS ((\n${expression}\n)::text) STORED`,
  );
  if (type === undefined || !TEXT_TYPES.includes(type.name)) throw new TextTypeError(given, type?.type ?? 'unknown');
  // Names outside of pg_catalog are written with their schema.
  await sql.script('SET LOCAL search_path = pg_catalog, pg_temp');
  const row = await sql.row(
    z.object({ expression: z.string(), columns: z.array(z.string()) }),
    `SELECT pg_get_expr(d.adbin, d.adrelid) AS expression,
            ARRAY(SELECT u.attname::text FROM pg_depend p JOIN pg_attribute u ON u.attrelid = p.refobjid AND u.attnum = p.refobjsubid
                  WHERE p.classid = 'pg_attrdef'::regclass AND p.objid = d.oid AND p.refobjid = d.adrelid AND u.attnum <> d.adnum) AS columns
     FROM pg_attrdef d JOIN pg_attribute a ON a.attrelid = d.adrelid AND a.attnum = d.adnum
     WHERE d.adrelid = $1::regclass AND a.attname = 'kimera_text'`,
    [copy],
  );
  await sql.script(`DROP TABLE ${copy}`);
  if (row === undefined) throw new Error('the expression has gone');
  await refuseVirtual(sql, table, given, row.columns);
  // The triggers run under this path: a function that finds its tables and functions by another one fails there.
  await sql.run(`SELECT (${row.expression}) FROM ${quoted(schema, name)} LIMIT 1`);
  return row.expression;
}

async function refuseVirtual(
  sql: Queryable,
  { oid }: TableDescription,
  given: string,
  columns: readonly string[],
): Promise<void> {
  const found = await sql.row(
    z.object({ name: z.string(), computed: z.string() }),
    `SELECT a.attname AS name, pg_get_expr(d.adbin, d.adrelid) AS computed FROM pg_attribute a JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
     WHERE a.attrelid = $1::oid AND a.attgenerated = 'v' AND a.attname = ANY ($2::text[])`,
    [oid, columns],
  );
  if (found !== undefined) throw new TextVirtualColumnError(given, found.name, found.computed);
}

/** Functions of the expression that are not immutable, for the message. Empty where they cannot be found. */
async function volatileFunctions(
  database: Database,
  { schema, name }: TableDescription,
  expression: string,
): Promise<readonly string[]> {
  const view = quoted('kimera', `adoption_${randomUUID()}`);
  try {
    return await database.transaction(async (sql) => {
      await sql.script(`CREATE VIEW ${view} AS SELECT (\n${expression}\n) AS text FROM ${quoted(schema, name)}`);
      // Functions that the catalog's parse tree of the view calls, operators and casts by their functions.
      const rows = await sql.rows(
        z.object({ name: z.string() }),
        `SELECT DISTINCT p.proname || CASE p.provolatile WHEN 's' THEN ' is stable' ELSE ' is volatile' END AS name
         FROM pg_rewrite r CROSS JOIN LATERAL regexp_matches(r.ev_action::text, ':(?:funcid|opfuncid) (\\d+)', 'g') m JOIN pg_proc p ON p.oid = m[1]::oid
         WHERE r.ev_class = $1::regclass AND p.provolatile <> 'i' ORDER BY 1`,
        [view],
      );
      await sql.script(`DROP VIEW ${view}`);
      return rows.map((row) => row.name);
    });
  } catch (error) {
    if (sqlState(error) === undefined) throw error;
    return [];
  }
}
