import type { Dependent } from '@kimera/core';
import { z } from 'zod';
import type { Queryable } from '../sql/queryable.js';
import { NAMED_DIMENSION } from './indexes.js';
import type { VectorColumn } from './vector-column.js';

const found = z.object({ kind: z.string(), name: z.string(), detail: z.string() });

/**
 * What is not tied to the column, but sees that rows are written and that the table has a column more: nothing is done
 * until the operator accepts it.
 */
export async function readToAccept(sql: Queryable, { oid }: VectorColumn): Promise<readonly Dependent[]> {
  return sql.rows(
    found,
    `SELECT 'trigger' AS kind, t.tgname AS name, 'runs ' || t.tgfoid::regproc || ' for every row whose vector is written: once for each row of the table, then with each change' AS detail
     FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid JOIN pg_namespace n ON n.oid = p.pronamespace
     WHERE t.tgrelid = $1::oid AND NOT t.tgisinternal AND n.nspname <> 'kimera' AND t.tgtype & 16 <> 0 AND cardinality(t.tgattr::int2[]) = 0 AND t.tgenabled IN ('O', 'A')
     UNION ALL
     SELECT 'publication', p.pubname, 'publishes every column: a subscriber that lacks the new one stops'
     FROM pg_publication p JOIN pg_class c ON c.oid = $1::oid
     WHERE p.puballtables
       OR EXISTS (SELECT FROM pg_publication_rel r WHERE r.prpubid = p.oid AND r.prrelid = c.oid AND r.prattrs IS NULL)
       OR EXISTS (SELECT FROM pg_publication_namespace n WHERE n.pnpubid = p.oid AND n.pnnspid = c.relnamespace)
     UNION ALL
     SELECT 'function', p.oid::regprocedure::text, 'returns rows of the table, which get a column more: it fails where it names its columns one by one'
     FROM pg_proc p JOIN pg_class c ON c.oid = $1::oid WHERE p.prorettype = c.reltype AND p.prosqlbody IS NULL
     ORDER BY 1, 2`,
    [oid],
  );
}

/**
 * Functions whose text has the names of table and column: PostgreSQL looks names up when they run, so they go on, with
 * the new vectors.
 */
export async function readNotes(
  sql: Queryable,
  column: VectorColumn,
): Promise<{ readonly notes: readonly string[]; readonly toAccept: readonly Dependent[] }> {
  const functions = await sql.rows(
    z.object({ name: z.string(), body: z.string() }),
    `SELECT p.oid::regprocedure::text AS name, p.prosrc AS body FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
     WHERE n.nspname NOT IN ('pg_catalog', 'information_schema', 'kimera') AND p.prosqlbody IS NULL
       AND position(lower($1) IN lower(p.prosrc)) > 0 AND position(lower($2) IN lower(p.prosrc)) > 0
       AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e')
     ORDER BY 1`,
    [column.table, column.column],
  );
  const notes = [
    `until retire ${column.title} has a column more: COPY … FROM without a list of columns, and INSERT INTO another SELECT *, fail meanwhile`,
  ];
  const toAccept: Dependent[] = [];
  for (const { name, body } of functions) {
    const named = NAMED_DIMENSION.exec(body);
    if (named === null) notes.push(`function ${name} refers to the column by its name, and will read the new vectors`);
    else
      toAccept.push({
        kind: 'function',
        name,
        detail: `seems to read the column and names ${named[0]}, which fails with vectors of another dimension: change it with the application`,
      });
  }
  if (column.followers > 0)
    notes.push(
      `${column.followers} columns come after ${column.column}; the new one comes last: INSERT without a list of columns, and SELECT *, see another order after the cutover`,
    );
  return { notes, toAccept };
}
