import type { Dependent } from '@kimera/core';
import { z } from 'zod';
import { literal, quoted } from '../sql/identifier.js';
import type { Queryable } from '../sql/queryable.js';
import { NAMED_DIMENSION } from './indexes.js';
import type { VectorColumn } from './vector-column.js';

const grant = z.object({
  /** null: the view as a whole. */
  column: z.string().nullable(),
  /** null: PUBLIC. */
  grantee: z.string().nullable(),
  privilege: z.string(),
  grantable: z.boolean(),
});
const comment = z.object({ column: z.string().nullable(), text: z.string() });

/** A view with all that a statement can give it. PostgreSQL ties a view to columns, not to names: it is made again. */
const viewSchema = z.object({
  schema: z.string(),
  name: z.string(),
  definition: z.string(),
  owner: z.string(),
  options: z.array(z.string()),
  grants: z.array(grant),
  comments: z.array(comment),
});
export type View = z.infer<typeof viewSchema>;

const seenView = z.object({
  oid: z.string(),
  kind: z.string(),
  objection: z.string().nullable(),
  view: viewSchema,
});

export interface ColumnViews {
  /** Each after those that it reads. */
  readonly views: readonly View[];
  readonly refused: readonly Dependent[];
}

/**
 * The views that read a column, and the views that read those. The search path must be `pg_catalog`, so that the
 * definitions name every schema.
 */
export async function readViews(
  sql: Queryable,
  { oid, attribute }: Pick<VectorColumn, 'oid' | 'attribute'>,
): Promise<ColumnViews> {
  const seen = await sql.rows(
    seenView,
    `WITH RECURSIVE readers (oid, depth) AS (
       SELECT r.ev_class, 1 FROM pg_depend d JOIN pg_rewrite r ON d.classid = 'pg_rewrite'::regclass AND r.oid = d.objid
       WHERE d.refclassid = 'pg_class'::regclass AND d.refobjid = $1::oid AND d.refobjsubid = $2 AND r.ev_class <> $1::oid
       UNION
       SELECT r.ev_class, readers.depth + 1 FROM readers JOIN pg_depend d ON d.refclassid = 'pg_class'::regclass AND d.refobjid = readers.oid
       JOIN pg_rewrite r ON d.classid = 'pg_rewrite'::regclass AND r.oid = d.objid AND r.ev_class <> readers.oid
     ), deepest AS (SELECT oid, max(depth) AS depth FROM readers GROUP BY oid)
     SELECT c.oid::text AS oid, c.relkind::text AS kind,
       CASE
         WHEN NOT pg_has_role(c.relowner, 'USAGE') THEN 'belongs to ' || c.relowner::regrole || ', whose rights this role does not have: GRANT them'
         WHEN NOT has_schema_privilege(c.relowner, n.oid, 'CREATE') THEN 'its owner may no longer create in schema ' || n.nspname
         WHEN EXISTS (SELECT FROM pg_rewrite r WHERE r.ev_class = c.oid AND r.rulename <> '_RETURN') THEN 'has rules of its own'
         WHEN EXISTS (SELECT FROM pg_trigger t WHERE t.tgrelid = c.oid AND NOT t.tgisinternal) THEN 'has triggers'
         WHEN EXISTS (SELECT FROM pg_attrdef a WHERE a.adrelid = c.oid) THEN 'has column defaults'
         WHEN EXISTS (SELECT FROM pg_seclabel s WHERE s.objoid = c.oid AND s.classoid = 'pg_class'::regclass) THEN 'has a security label'
         WHEN EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e') THEN 'belongs to an extension'
         WHEN EXISTS (SELECT FROM aclexplode(c.relacl) a WHERE a.grantor <> c.relowner)
           OR EXISTS (SELECT FROM pg_attribute b, aclexplode(b.attacl) a WHERE b.attrelid = c.oid AND a.grantor <> c.relowner) THEN 'has grants that others than its owner gave'
         ELSE (
           SELECT 'is read by ' || pg_describe_object(d.classid, d.objid, d.objsubid) FROM pg_depend d
           WHERE ((d.refclassid = 'pg_class'::regclass AND d.refobjid = c.oid) OR (d.refclassid = 'pg_type'::regclass AND d.refobjid IN (c.reltype, (SELECT e.typarray FROM pg_type e WHERE e.oid = c.reltype))))
             AND NOT (d.classid = 'pg_type'::regclass AND d.deptype = 'i')
             AND NOT (d.classid = 'pg_rewrite'::regclass AND EXISTS (SELECT FROM pg_rewrite r WHERE r.oid = d.objid AND (r.ev_class = c.oid OR r.ev_class IN (SELECT oid FROM readers))))
           LIMIT 1)
       END AS objection,
       json_build_object(
         'schema', n.nspname, 'name', c.relname, 'definition', pg_get_viewdef(c.oid), 'owner', pg_get_userbyid(c.relowner),
         'options', coalesce(c.reloptions, '{}'),
         'grants', coalesce((
           SELECT json_agg(json_build_object('column', g.column, 'grantee', CASE WHEN g.grantee = 0 THEN NULL ELSE pg_get_userbyid(g.grantee) END, 'privilege', g.privilege_type, 'grantable', g.is_grantable)
                  ORDER BY g.place, g.ordinality)
           FROM (
             SELECT NULL::text AS column, 0 AS place, a.* FROM aclexplode(coalesce(c.relacl, acldefault('r', c.relowner))) WITH ORDINALITY AS a
             UNION ALL
             SELECT b.attname, b.attnum, a.* FROM pg_attribute b, aclexplode(b.attacl) WITH ORDINALITY AS a WHERE b.attrelid = c.oid AND b.attnum > 0
           ) g), '[]'),
         'comments', coalesce((
           SELECT json_agg(json_build_object('column', b.attname, 'text', k.description) ORDER BY k.objsubid)
           FROM pg_description k LEFT JOIN pg_attribute b ON b.attrelid = c.oid AND b.attnum = k.objsubid AND k.objsubid > 0
           WHERE k.objoid = c.oid AND k.classoid = 'pg_class'::regclass), '[]')
       ) AS view
     FROM deepest JOIN pg_class c ON c.oid = deepest.oid JOIN pg_namespace n ON n.oid = c.relnamespace
     ORDER BY deepest.depth, n.nspname, c.relname`,
    [oid, attribute],
  );
  return {
    views: seen.map(({ view }) => view),
    refused: seen.flatMap(({ kind, objection, view }): readonly Dependent[] => {
      const name = `${view.schema}.${view.name}`;
      if (kind === 'm')
        return [
          {
            kind: 'materialized view',
            name,
            detail: 'holds vectors of the old model: drop it and make it again afterwards',
          },
        ];
      if (kind !== 'v') return [{ kind: 'rule', name, detail: 'a rule of this table reads the column: drop it' }];
      const named = NAMED_DIMENSION.exec(view.definition);
      const reason = objection ?? (named === null ? undefined : `names ${named[0]}, which fails with the new model`);
      return reason === undefined
        ? []
        : [{ kind: 'view', name, detail: `${reason}. Drop it and make it again afterwards` }];
    }),
  };
}

/** The readers of a view take locks from the outside in; dropping them in that order cannot deadlock with them. */
export async function dropViews(sql: Queryable, views: readonly View[]): Promise<void> {
  for (const { schema, name } of [...views].reverse()) await sql.script(`DROP VIEW ${quoted(schema, name)}`);
}

/** As they were, whatever default privileges say now. */
export async function createViews(sql: Queryable, views: readonly View[]): Promise<void> {
  for (const { schema, name, definition, owner, options, grants, comments } of views) {
    const view = quoted(schema, name);
    const settings = options.map((option) => {
      const [key = '', ...value] = option.split('=');
      return `${key} = ${literal(value.join('='))}`;
    });
    await sql.script(
      `CREATE VIEW ${view} ${settings.length === 0 ? '' : `WITH (${settings.join(', ')})`} AS ${definition}`,
    );
    await sql.script(`ALTER VIEW ${view} OWNER TO ${quoted(owner)}`);
    const given = await sql.rows(
      z.object({ role: z.string() }),
      `SELECT DISTINCT CASE WHEN a.grantee = 0 THEN 'PUBLIC' ELSE format('%I', pg_get_userbyid(a.grantee)) END AS role
       FROM pg_class c, aclexplode(coalesce(c.relacl, acldefault('r', c.relowner))) a WHERE c.oid = $1::regclass`,
      [view],
    );
    for (const { role } of given) await sql.script(`REVOKE ALL ON ${view} FROM ${role}`);
    for (const each of grants)
      await sql.script(
        `GRANT ${each.privilege}${each.column === null ? '' : ` (${quoted(each.column)})`} ON ${view} TO ${each.grantee === null ? 'PUBLIC' : quoted(each.grantee)}${each.grantable ? ' WITH GRANT OPTION' : ''}`,
      );
    for (const { column, text } of comments)
      await sql.script(
        `COMMENT ON ${column === null ? `VIEW ${view}` : `COLUMN ${view}.${quoted(column)}`} IS ${literal(text)}`,
      );
  }
}
