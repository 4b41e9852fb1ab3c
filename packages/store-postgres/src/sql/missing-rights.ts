import { z } from 'zod';
import { quoted } from './identifier.js';
import type { Queryable } from './queryable.js';

/** What a statement does, as far as rights are concerned: the roles of docs/servers.md. */
type Level = 'read' | 'work' | 'own';

/** Rights on the tables of schema kimera. Its owner has all. */
const KIMERA_RIGHTS = { read: ['SELECT'], work: ['SELECT', 'INSERT', 'UPDATE', 'DELETE'] } as const;

function levelOf(statement: string): Level {
  const text = statement.trimStart();
  if (/^(INSERT|UPDATE|DELETE|LOCK TABLE .* IN ROW EXCLUSIVE MODE)\b/.test(text)) return 'work';
  if (!/^(SELECT|WITH)\b/.test(text)) return 'own';
  return /\b(INSERT INTO|UPDATE|DELETE FROM|FOR SHARE|FOR KEY SHARE)\b/.test(text) ? 'work' : 'read';
}

const schemaRow = z.object({
  name: z.string(),
  owner: z.string(),
  may_use: z.boolean(),
  is_owner: z.boolean(),
  /** Of its tables: whether each right is there on all of them. */
  rights: z.record(z.string(), z.boolean()),
});
const sourceRow = z.object({
  schema: z.string(),
  name: z.string(),
  owner: z.string(),
  key: z.string(),
  may_use: z.boolean(),
  is_owner: z.boolean(),
  may_lock: z.boolean(),
  sees_part: z.boolean(),
  rights: z.record(z.string(), z.boolean()),
});

const hasAll = (right: string): string =>
  `'${right}', NOT EXISTS (SELECT FROM pg_catalog.pg_class t WHERE t.relnamespace = n.oid AND t.relkind IN ('r', 'p') AND NOT has_table_privilege(t.oid, '${right}'))`;
const has = (right: string): string => `'${right}', has_table_privilege(t.oid, '${right}')`;

/**
 * The role, and the statements that give it what statements of this sort need and it has not. The catalogue says which
 * rights are there; of source tables only those count that the statement names.
 */
export async function missingRights(
  sql: Queryable,
  statement: string,
): Promise<{ readonly role: string; readonly grants: readonly string[] }> {
  const who = await sql.row(
    z.object({ role: z.string(), database: z.string() }),
    'SELECT current_user::text AS role, current_database()::text AS database',
  );
  const role = who?.role ?? '';
  const level = levelOf(statement);
  const schemas = await sql.rows(
    schemaRow,
    `SELECT n.nspname AS name, n.nspowner::regrole::text AS owner, has_schema_privilege(n.oid, 'USAGE') AS may_use, pg_has_role(n.nspowner, 'USAGE') AS is_owner,
            jsonb_build_object(${KIMERA_RIGHTS.work.map(hasAll).join(', ')}) AS rights
     FROM pg_catalog.pg_namespace n
     WHERE n.nspname = 'kimera' OR n.oid IN (SELECT extnamespace FROM pg_catalog.pg_extension WHERE extname = 'vector') ORDER BY n.nspname`,
  );
  const sources = (await allSources(sql)).filter(({ schema, name }) => statement.includes(quoted(schema, name)));
  const kimera = schemas.find(({ name }) => name === 'kimera');
  const to = `TO ${quoted(role)}`;
  const grants = schemas
    .filter(({ may_use }) => !may_use)
    .map(({ name }) => `GRANT USAGE ON SCHEMA ${quoted(name)} ${to}`);
  if (kimera === undefined) grants.push(`GRANT CREATE ON DATABASE ${quoted(who?.database ?? '')} ${to}`);
  else if (level === 'own') {
    const owners = [kimera, ...sources].filter(({ is_owner }) => !is_owner).map(({ owner }) => `GRANT ${owner} ${to}`);
    grants.push(...new Set(owners));
    // A collection of its own is a table in schema public.
    if (owners.length === 0) grants.push(`GRANT CREATE ON SCHEMA "public" ${to}`);
  } else {
    const rights = KIMERA_RIGHTS[level];
    if (rights.some((right) => kimera.rights[right] !== true))
      grants.push(`GRANT ${rights.join(', ')} ON ALL TABLES IN SCHEMA "kimera" ${to}`);
    grants.push(...sources.flatMap((source) => sourceGrants(source, statement, to)));
    if (sources.some((source) => source.sees_part)) grants.push(`ALTER ROLE ${quoted(role)} BYPASSRLS`);
  }
  return { role, grants: [...new Set(grants)] };
}

async function allSources(sql: Queryable): Promise<readonly z.infer<typeof sourceRow>[]> {
  const readable = await sql.run(
    `SELECT FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
     WHERE n.nspname = 'kimera' AND c.relname = 'collections' AND has_schema_privilege(n.oid, 'USAGE') AND has_table_privilege(c.oid, 'SELECT')`,
  );
  if (readable === 0) return [];
  return sql.rows(
    sourceRow,
    `SELECT c.source_schema AS schema, c.source_table AS name, t.relowner::regrole::text AS owner,
            (SELECT a.attname FROM pg_catalog.pg_attribute a LEFT JOIN pg_catalog.pg_index i ON i.indrelid = a.attrelid AND i.indisprimary AND a.attnum = ANY (i.indkey)
             WHERE a.attrelid = t.oid AND a.attnum > 0 AND NOT a.attisdropped ORDER BY i.indrelid IS NULL, a.attnum LIMIT 1) AS key,
            has_schema_privilege(n.oid, 'USAGE') AS may_use, pg_has_role(t.relowner, 'USAGE') AS is_owner, has_any_column_privilege(t.oid, 'UPDATE') AS may_lock, row_security_active(t.oid) AS sees_part,
            jsonb_build_object(${KIMERA_RIGHTS.work.map(has).join(', ')}) AS rights
     FROM kimera.collections c JOIN pg_catalog.pg_namespace n ON n.nspname = c.source_schema JOIN pg_catalog.pg_class t ON t.relnamespace = n.oid AND t.relname = c.source_table`,
  );
}

function sourceGrants(source: z.infer<typeof sourceRow>, statement: string, to: string): readonly string[] {
  const { schema, name, key, may_use: mayUse, may_lock: mayLock, rights } = source;
  const table = quoted(schema, name);
  const grants = mayUse ? [] : [`GRANT USAGE ON SCHEMA ${quoted(schema)} ${to}`];
  const wanted = ['SELECT'];
  if (statement.includes(`INSERT INTO ${table}`) || statement.includes(`LOCK TABLE ${table} IN ROW EXCLUSIVE`))
    wanted.push('INSERT', 'UPDATE');
  if (statement.includes(`DELETE FROM ${table}`)) wanted.push('DELETE');
  const missing = wanted.filter((right) => rights[right] !== true);
  if (missing.length > 0) grants.push(`GRANT ${missing.join(', ')} ON ${table} ${to}`);
  // A row is locked while its vector is written: PostgreSQL asks for the right to update a column, whichever.
  if (statement.includes(' FOR SHARE OF d') && !mayLock) grants.push(`GRANT UPDATE (${quoted(key)}) ON ${table} ${to}`);
  return grants;
}
