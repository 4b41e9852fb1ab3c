import { z } from 'zod';
import { literal, quoted } from '../sql/identifier.js';
import type { Queryable } from '../sql/queryable.js';
import type { VectorColumn } from './vector-column.js';

const grant = z.object({ role: z.string(), privilege: z.string(), grantable: z.boolean() });
const settings = z.object({
  storage: z.enum(['PLAIN', 'EXTERNAL', 'EXTENDED', 'MAIN']),
  compression: z.enum(['default', 'pglz', 'lz4']),
  target: z.number(),
  options: z.array(z.string()),
  comment: z.string().nullable(),
  grants: z.array(grant),
});
type Settings = z.infer<typeof settings>;

/** What a column has beside its type: `to` gets what `from` has. What is equal already is not touched. */
export async function copySettings(sql: Queryable, from: VectorColumn, to: VectorColumn): Promise<void> {
  const [wanted, present] = [await readSettings(sql, from), await readSettings(sql, to)];
  const table = to.quotedTable;
  const column = quoted(to.column);
  const alter = (change: string): Promise<void> => sql.script(`ALTER TABLE ${table} ALTER COLUMN ${column} ${change}`);
  if (wanted.storage !== present.storage) await alter(`SET STORAGE ${wanted.storage}`);
  if (wanted.compression !== present.compression) await alter(`SET COMPRESSION ${wanted.compression}`);
  if (wanted.target !== present.target) await alter(`SET STATISTICS ${wanted.target}`);
  if (!equal(wanted.options, present.options)) {
    const names = present.options.map((option) => option.split('=')[0] ?? '');
    if (names.length > 0) await alter(`RESET (${names.join(', ')})`);
    if (wanted.options.length > 0) await alter(`SET (${wanted.options.join(', ')})`);
  }
  if (wanted.comment !== present.comment)
    await sql.script(
      `COMMENT ON COLUMN ${table}.${column} IS ${wanted.comment === null ? 'NULL' : literal(wanted.comment)}`,
    );
  if (!equal(wanted.grants, present.grants)) {
    for (const role of new Set(present.grants.map((each) => each.role)))
      await sql.script(`REVOKE ALL (${column}) ON ${table} FROM ${role}`);
    for (const { role, privilege, grantable } of wanted.grants)
      await sql.script(`GRANT ${privilege} (${column}) ON ${table} TO ${role}${grantable ? ' WITH GRANT OPTION' : ''}`);
  }
}

/**
 * Options that people set on a column `a`. PostgreSQL 15.20 keeps a mark of its own there,
 * `pg_attver`, which belongs to one column and is in no dump.
 */
export const COLUMN_OPTIONS = `ARRAY (SELECT o FROM unnest(a.attoptions) WITH ORDINALITY AS given (o, n) WHERE o NOT LIKE 'pg\\_%' ORDER BY n)`;

async function readSettings(sql: Queryable, { oid, attribute, title, column }: VectorColumn): Promise<Settings> {
  const found = await sql.row(
    settings,
    `SELECT CASE a.attstorage WHEN 'p' THEN 'PLAIN' WHEN 'e' THEN 'EXTERNAL' WHEN 'm' THEN 'MAIN' ELSE 'EXTENDED' END AS storage,
            CASE a.attcompression WHEN 'p' THEN 'pglz' WHEN 'l' THEN 'lz4' ELSE 'default' END AS compression,
            coalesce(a.attstattarget, -1)::int AS target, ${COLUMN_OPTIONS} AS options,
            col_description(a.attrelid, a.attnum) AS comment,
            coalesce((
              SELECT json_agg(json_build_object('role', CASE WHEN x.grantee = 0 THEN 'PUBLIC' ELSE format('%I', pg_get_userbyid(x.grantee)) END, 'privilege', x.privilege_type, 'grantable', x.is_grantable) ORDER BY x.ordinality)
              FROM aclexplode(a.attacl) WITH ORDINALITY AS x), '[]') AS grants
     FROM pg_attribute a WHERE a.attrelid = $1::oid AND a.attnum = $2`,
    [oid, attribute],
  );
  if (found === undefined) throw new Error(`${title} has no column ${column}`);
  return found;
}

function equal(left: unknown, right: unknown): boolean {
  return JSON.stringify(left) === JSON.stringify(right);
}
