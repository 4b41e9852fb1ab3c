import { z } from 'zod';
import { quoted } from '../sql/identifier.js';
import type { Queryable } from '../sql/queryable.js';
import type {
  ColumnDescription,
  RelationKind,
  Right,
  TableDescription,
  UniqueKey,
  VectorColumn,
  VectorStorage,
} from './table-description.js';

const names = z.array(z.string());
const relationRow = z.object({
  schema: z.string(),
  name: z.string(),
  kind: z.string(),
  persistence: z.string(),
  is_partition: z.boolean(),
  parent: z.string().nullable(),
  partitions: z.number(),
  children: names,
  row_security: z.boolean(),
  row_security_active: z.boolean(),
  role: z.string(),
  rights: names,
  estimate: z.number(),
  bytes: z.number(),
});
const columnRow = z.object({
  name: z.string(),
  type: z.string(),
  type_name: z.string(),
  modifier: z.number(),
  nullable: z.boolean(),
  generated: z.boolean(),
  collation: z.array(z.string()).nullable(),
  deterministic: z.boolean(),
  bytes: z.number().nullable(),
});
const keyRow = z.object({
  name: z.string(),
  columns: names,
  is_primary: z.boolean(),
  partial: z.boolean(),
  of_expression: z.boolean(),
  immediate: z.boolean(),
  valid: z.boolean(),
});
const indexRow = z.object({ name: z.string(), definition: z.string(), bytes: z.number() });
const namesRow = z.object({
  triggers: names,
  policies: names,
  publications: names,
  subscriptions: names,
  views: names,
  functions: names,
  referenced_by: names,
  neighbours: names,
});

const KINDS: Readonly<Record<string, RelationKind>> = {
  r: 'table',
  p: 'partitioned table',
  v: 'view',
  m: 'materialised view',
  f: 'foreign table',
  i: 'index',
  I: 'index',
  S: 'sequence',
  c: 'composite type',
  t: 'TOAST table',
};
const STORAGE_OF_TYPE: Readonly<Record<string, VectorStorage>> = {
  vector: 'vector',
  halfvec: 'halfvec',
  _float4: 'real[]',
  _float8: 'double precision[]',
  jsonb: 'jsonb',
  json: 'json',
  bytea: 'bytea',
};
/** Columns of these types hold vectors; of the others only those whose name says so. */
const TYPES_OF_VECTORS: readonly string[] = ['vector', 'halfvec'];
const NAME_OF_VECTORS = /embed|vector|(?:^|_)emb(?:$|_)/i;
/** Up to this many rows by the statistics are counted. */
const COUNTED_ROWS = 200_000;
/** Tables that frameworks make beside those of the application. */
const NEIGHBOURS = ['django_migrations', '_prisma_migrations', 'langchain_pg_collection'];

/** What the catalog says about a relation; nothing is changed. */
export async function describeTable(sql: Queryable, oid: number): Promise<TableDescription> {
  const relation = await readRelation(sql, oid);
  const title = `${relation.schema}.${relation.name}`;
  const kind = KINDS[relation.kind] ?? 'composite type';
  const columns = await readColumns(sql, oid);
  const rights = relation.rights.filter((right): right is Right => RIGHTS.includes(right));
  const about = await readNames(sql, oid, relation);
  return {
    oid,
    schema: relation.schema,
    name: relation.name,
    title,
    kind,
    isTemporary: relation.persistence === 't',
    partitionOf: relation.is_partition ? relation.parent : null,
    partitions: relation.partitions,
    children: relation.is_partition || kind === 'partitioned table' ? [] : relation.children,
    rowSecurity: relation.row_security_active ? 'hides rows' : relation.row_security ? 'on, not for this role' : 'off',
    role: relation.role,
    rights,
    rows: await countRows(sql, relation, kind, rights),
    bytes: relation.bytes,
    columns: columns.map((column): ColumnDescription => ({
      name: column.name,
      type: column.type,
      typeName: column.type_name,
      isNullable: column.nullable,
      isGenerated: column.generated,
      collation: column.collation === null ? null : quoted(...column.collation),
      hasDeterministicCollation: column.deterministic,
      averageBytes: column.bytes,
    })),
    uniqueKeys: await readUniqueKeys(sql, oid),
    vectorColumns: columns.flatMap((column): readonly VectorColumn[] =>
      TYPES_OF_VECTORS.includes(column.type_name) || NAME_OF_VECTORS.test(column.name)
        ? [vectorColumn(column)].filter((described) => described !== undefined)
        : [],
    ),
    indexes: await readIndexes(sql, oid),
    triggers: about.triggers,
    policies: about.policies,
    publications: about.publications,
    subscriptions: about.subscriptions,
    views: about.views,
    functions: about.functions,
    referencedBy: about.referenced_by,
    collection: await collectionOf(sql, relation),
    neighbours: about.neighbours,
  };
}

/** A column whose type can hold vectors, whatever its name. */
export function asVectorColumn(table: TableDescription, name: string): VectorColumn | undefined {
  const known = table.vectorColumns.find(({ column }) => column === name);
  if (known !== undefined) return known;
  const column = table.columns.find((each) => each.name === name);
  const storage = column === undefined ? undefined : STORAGE_OF_TYPE[column.typeName];
  return column === undefined || storage === undefined
    ? undefined
    : { column: name, storage, type: column.type, dimension: null };
}

const RIGHTS: readonly string[] = [
  'USAGE',
  'SELECT',
  'INSERT',
  'UPDATE',
  'DELETE',
  'TRIGGER',
  'OWNER',
] satisfies readonly Right[];

async function readRelation(sql: Queryable, oid: number): Promise<z.infer<typeof relationRow>> {
  const row = await sql.row(
    relationRow,
    `SELECT n.nspname AS schema, c.relname AS name, c.relkind::text AS kind, c.relpersistence::text AS persistence, c.relispartition AS is_partition,
            (SELECT pn.nspname || '.' || p.relname FROM pg_inherits i JOIN pg_class p ON p.oid = i.inhparent JOIN pg_namespace pn ON pn.oid = p.relnamespace WHERE i.inhrelid = c.oid LIMIT 1) AS parent,
            (CASE WHEN c.relkind = 'p' THEN (SELECT count(*) FROM pg_partition_tree(c.oid) t WHERE t.isleaf) ELSE 0 END)::float8 AS partitions,
            ARRAY(SELECT hn.nspname || '.' || h.relname FROM pg_inherits i JOIN pg_class h ON h.oid = i.inhrelid JOIN pg_namespace hn ON hn.oid = h.relnamespace WHERE i.inhparent = c.oid ORDER BY 1) AS children,
            c.relrowsecurity AS row_security, c.relkind IN ('r', 'p') AND row_security_active(c.oid) AS row_security_active,
            current_user::text AS role,
            ARRAY(SELECT r.name FROM (VALUES ('USAGE', has_schema_privilege(n.oid, 'USAGE')), ('OWNER', pg_has_role(c.relowner, 'USAGE')),
              ('SELECT', has_table_privilege(c.oid, 'SELECT')), ('INSERT', has_table_privilege(c.oid, 'INSERT')), ('UPDATE', has_any_column_privilege(c.oid, 'UPDATE')),
              ('DELETE', has_table_privilege(c.oid, 'DELETE')), ('TRIGGER', has_table_privilege(c.oid, 'TRIGGER'))) r (name, held) WHERE r.held) AS rights,
            (CASE WHEN c.relkind = 'p' THEN (SELECT sum(greatest(l.reltuples, 0)) FROM pg_partition_tree(c.oid) t JOIN pg_class l ON l.oid = t.relid WHERE t.isleaf) ELSE c.reltuples END)::float8 AS estimate,
            coalesce((CASE WHEN c.relkind = 'p' THEN (SELECT sum(pg_total_relation_size(t.relid)) FROM pg_partition_tree(c.oid) t) ELSE pg_total_relation_size(c.oid) END), 0)::float8 AS bytes
     FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = $1::oid`,
    [oid],
  );
  if (row === undefined) throw new Error(`the relation ${oid} has gone`);
  return row;
}

function readColumns(sql: Queryable, oid: number): Promise<readonly z.infer<typeof columnRow>[]> {
  return sql.rows(
    columnRow,
    `SELECT a.attname AS name, format_type(a.atttypid, a.atttypmod) AS type, t.typname AS type_name, a.atttypmod::float8 AS modifier,
            NOT a.attnotnull AS nullable, a.attgenerated <> '' AS generated,
            (SELECT ARRAY[cn.nspname::text, co.collname::text] FROM pg_collation co JOIN pg_namespace cn ON cn.oid = co.collnamespace WHERE co.oid = a.attcollation AND co.collname <> 'default') AS collation,
            coalesce((SELECT co.collisdeterministic FROM pg_collation co WHERE co.oid = a.attcollation), true) AS deterministic,
            (SELECT s.avg_width::float8 FROM pg_stats s WHERE s.schemaname = n.nspname AND s.tablename = c.relname AND s.attname = a.attname AND NOT s.inherited LIMIT 1) AS bytes
     FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE a.attrelid = $1::oid AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum`,
    [oid],
  );
}

function vectorColumn({
  name,
  type,
  type_name: typeName,
  modifier,
}: z.infer<typeof columnRow>): VectorColumn | undefined {
  const storage = STORAGE_OF_TYPE[typeName];
  if (storage === undefined) return undefined;
  const isTyped = TYPES_OF_VECTORS.includes(typeName) && modifier > 0;
  return { column: name, storage, type, dimension: isTyped ? modifier : null };
}

async function readUniqueKeys(sql: Queryable, oid: number): Promise<readonly UniqueKey[]> {
  const rows = await sql.rows(
    keyRow,
    `SELECT c.relname AS name, i.indisprimary AS is_primary, i.indpred IS NOT NULL AS partial, i.indexprs IS NOT NULL AS of_expression,
            i.indimmediate AS immediate, i.indisvalid AS valid,
            ARRAY(SELECT a.attname::text FROM unnest(i.indkey) WITH ORDINALITY k (attnum, place) JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum
                  WHERE k.place <= i.indnkeyatts ORDER BY k.place) AS columns
     FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid WHERE i.indrelid = $1::oid AND i.indisunique ORDER BY i.indisprimary DESC, c.relname`,
    [oid],
  );
  return rows.map(
    ({ name, columns, is_primary: isPrimary, partial, of_expression: ofExpression, immediate, valid }) => ({
      name,
      columns,
      isPrimary,
      obstacle: partial
        ? 'partial'
        : ofExpression
          ? 'of an expression'
          : !immediate
            ? 'deferrable'
            : valid
              ? null
              : 'not valid',
    }),
  );
}

function readIndexes(sql: Queryable, oid: number): Promise<readonly z.infer<typeof indexRow>[]> {
  return sql.rows(
    indexRow,
    `SELECT c.relname AS name, pg_get_indexdef(i.indexrelid) AS definition, pg_total_relation_size(i.indexrelid)::float8 AS bytes
     FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid WHERE i.indrelid = $1::oid ORDER BY c.relname`,
    [oid],
  );
}

async function readNames(
  sql: Queryable,
  oid: number,
  { schema, name }: { readonly schema: string; readonly name: string },
): Promise<z.infer<typeof namesRow>> {
  const row = await sql.row(
    namesRow,
    `SELECT
       ARRAY(SELECT t.tgname::text FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid JOIN pg_namespace n ON n.oid = p.pronamespace
             WHERE t.tgrelid = $1::oid AND NOT t.tgisinternal AND n.nspname <> 'kimera' ORDER BY 1) AS triggers,
       ARRAY(SELECT p.polname::text FROM pg_policy p WHERE p.polrelid = $1::oid ORDER BY 1) AS policies,
       ARRAY(SELECT p.pubname::text FROM pg_publication_tables p WHERE p.schemaname = $2 AND p.tablename = $3 ORDER BY 1) AS publications,
       ARRAY(SELECT DISTINCT s.subname::text FROM pg_subscription_rel r JOIN pg_subscription s ON s.oid = r.srsubid
             WHERE r.srrelid = $1::oid OR r.srrelid IN (SELECT relid FROM pg_partition_tree($1::oid)) ORDER BY 1) AS subscriptions,
       ARRAY(SELECT DISTINCT n.nspname || '.' || v.relname FROM pg_depend d JOIN pg_rewrite r ON r.oid = d.objid AND d.classid = 'pg_rewrite'::regclass
             JOIN pg_class v ON v.oid = r.ev_class JOIN pg_namespace n ON n.oid = v.relnamespace
             WHERE d.refclassid = 'pg_class'::regclass AND d.refobjid = $1::oid AND v.oid <> $1::oid AND n.nspname <> 'kimera' ORDER BY 1) AS views,
       ARRAY(SELECT n.nspname || '.' || p.proname || '(' || pg_get_function_identity_arguments(p.oid) || ')' FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
             WHERE n.nspname NOT IN ('pg_catalog', 'information_schema', 'kimera') AND p.prokind IN ('f', 'p')
               AND (p.prosrc ~* ('\\m' || regexp_replace($3, '([^[:alnum:]_])', '\\\\\\1', 'g') || '\\M')
                 OR EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.refclassid = 'pg_class'::regclass AND d.refobjid = $1::oid)) ORDER BY 1) AS functions,
       ARRAY(SELECT DISTINCT n.nspname || '.' || r.relname FROM pg_constraint f JOIN pg_class r ON r.oid = f.conrelid JOIN pg_namespace n ON n.oid = r.relnamespace
             WHERE f.contype = 'f' AND f.confrelid = $1::oid AND n.nspname <> 'kimera' ORDER BY 1) AS referenced_by,
       ARRAY(SELECT c.relname::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = $2 AND c.relname = ANY ($4::text[]) ORDER BY 1) AS neighbours`,
    [oid, schema, name, NEIGHBOURS],
  );
  if (row === undefined) throw new Error('the catalog gave no row');
  return row;
}

async function countRows(
  sql: Queryable,
  { schema, name, estimate, persistence }: z.infer<typeof relationRow>,
  kind: RelationKind,
  rights: readonly Right[],
): Promise<{ readonly count: number; readonly isExact: boolean }> {
  // A temporary table can be that of another session.
  const isReadable =
    persistence !== 't' &&
    (kind === 'table' || kind === 'partitioned table') &&
    rights.includes('SELECT') &&
    rights.includes('USAGE');
  if (!isReadable || estimate > COUNTED_ROWS) return { count: Math.max(0, estimate), isExact: false };
  // Statistics may be missing: no more rows than the limit are read.
  const row = await sql.row(
    z.object({ count: z.number() }),
    `SELECT count(*)::float8 AS count FROM (SELECT FROM ${quoted(schema, name)} LIMIT ${COUNTED_ROWS + 1}) counted`,
  );
  const count = row?.count ?? 0;
  return { count, isExact: count <= COUNTED_ROWS };
}

/** Also where the store has no tables yet. */
async function collectionOf(
  sql: Queryable,
  { schema, name }: { readonly schema: string; readonly name: string },
): Promise<string | null> {
  const known = await sql.row(
    z.object({ there: z.boolean() }),
    `SELECT to_regclass('kimera.collections') IS NOT NULL AS there`,
  );
  if (known?.there !== true) return null;
  const row = await sql.row(
    z.object({ name: z.string() }),
    'SELECT name FROM kimera.collections WHERE source_schema = $1 AND source_table = $2',
    [schema, name],
  );
  return row?.name ?? null;
}
