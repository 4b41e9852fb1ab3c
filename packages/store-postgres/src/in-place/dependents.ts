import type { Dependent } from '@kimera/core';
import { z } from 'zod';
import type { Queryable } from '../sql/queryable.js';
import type { VectorColumn } from './vector-column.js';

const row = z.object({
  class: z.string(),
  description: z.string(),
  /** Of the class's own kinds: `relkind`, `contype`. */
  sort: z.string().nullable(),
  name: z.string().nullable(),
  own: z.boolean(),
});

const AGAIN = 'drop it and make it again afterwards';

/** What PostgreSQL ties to a column and we do not make again, by its catalog, and what to do about it. */
const ADVICE: Readonly<Record<string, readonly [kind: string, detail: string]>> = {
  pg_attrdef: ['generated column', `is computed from the column: ${AGAIN}`],
  pg_constraint: ['constraint', `is tied to the column: ${AGAIN}`],
  pg_policy: ['policy', `reads the column: ${AGAIN}`],
  pg_proc: ['function', `has a body of standard SQL, which is tied to the column: write it as text (AS $$ … $$)`],
  pg_publication_rel: ['publication', 'names the column: take the table out of it, and put it in again afterwards'],
  pg_rewrite: ['rule', `reads the column: ${AGAIN}`],
  pg_statistic_ext: ['statistics', `are made of the column: ${AGAIN}`],
  pg_trigger: ['trigger', `waits for changes of the column (UPDATE OF, WHEN): ${AGAIN}`],
};

/**
 * Everything that PostgreSQL ties to the column itself but indexes and views (which are made again), NOT NULL and the
 * default (which are carried over). What is not known here is refused by its name.
 */
export async function readTies(sql: Queryable, { oid, attribute }: VectorColumn): Promise<readonly Dependent[]> {
  const ties = await sql.rows(
    row,
    `SELECT DISTINCT d.classid::regclass::text AS class, pg_describe_object(d.classid, d.objid, d.objsubid) AS description,
       CASE d.classid
         WHEN 'pg_class'::regclass THEN (SELECT c.relkind::text FROM pg_class c WHERE c.oid = d.objid)
         WHEN 'pg_constraint'::regclass THEN (SELECT c.contype::text FROM pg_constraint c WHERE c.oid = d.objid)
       END AS sort,
       CASE d.classid
         WHEN 'pg_attrdef'::regclass THEN (SELECT a.attname FROM pg_attrdef f JOIN pg_attribute a ON a.attrelid = f.adrelid AND a.attnum = f.adnum WHERE f.oid = d.objid)
         WHEN 'pg_constraint'::regclass THEN (SELECT c.conname FROM pg_constraint c WHERE c.oid = d.objid)
         WHEN 'pg_policy'::regclass THEN (SELECT p.polname FROM pg_policy p WHERE p.oid = d.objid)
         WHEN 'pg_proc'::regclass THEN d.objid::regprocedure::text
         WHEN 'pg_publication_rel'::regclass THEN (SELECT p.pubname FROM pg_publication_rel r JOIN pg_publication p ON p.oid = r.prpubid WHERE r.oid = d.objid)
         WHEN 'pg_rewrite'::regclass THEN (SELECT r.rulename FROM pg_rewrite r WHERE r.oid = d.objid)
         WHEN 'pg_statistic_ext'::regclass THEN (SELECT s.stxname FROM pg_statistic_ext s WHERE s.oid = d.objid)
         WHEN 'pg_trigger'::regclass THEN (SELECT t.tgname FROM pg_trigger t WHERE t.oid = d.objid)
       END::text AS name,
       CASE d.classid
         WHEN 'pg_attrdef'::regclass THEN EXISTS (SELECT FROM pg_attrdef f WHERE f.oid = d.objid AND f.adnum = $2)
         WHEN 'pg_constraint'::regclass THEN EXISTS (SELECT FROM pg_constraint c WHERE c.oid = d.objid AND c.contype = 'n')
         WHEN 'pg_class'::regclass THEN EXISTS (SELECT FROM pg_class c WHERE c.oid = d.objid AND c.relkind = 'i')
         WHEN 'pg_rewrite'::regclass THEN EXISTS (SELECT FROM pg_rewrite r WHERE r.oid = d.objid AND r.ev_class <> $1::oid)
         WHEN 'pg_trigger'::regclass THEN EXISTS (
           SELECT FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid JOIN pg_namespace n ON n.oid = p.pronamespace WHERE t.oid = d.objid AND n.nspname = 'kimera')
         ELSE false
       END AS own
     FROM pg_depend d WHERE d.refclassid = 'pg_class'::regclass AND d.refobjid = $1::oid AND d.refobjsubid = $2
     ORDER BY 1, 2`,
    [oid, attribute],
  );
  return ties
    .filter(({ own }) => !own)
    .map((tie) => {
      const [kind, detail] = ADVICE[tie.class] ?? ['object', 'is tied to the column: drop it'];
      return { kind, name: tie.name ?? tie.description, detail };
    });
}

/** Why a table of this shape cannot get a second column, or none of its columns can be swapped. */
export async function readTableObjections(
  sql: Queryable,
  { oid, attribute, title, column }: VectorColumn,
): Promise<readonly Dependent[]> {
  const objections = await sql.rows(
    z.object({ kind: z.string(), name: z.string().nullable(), detail: z.string() }),
    `SELECT o.kind, o.name, o.detail FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = $2, LATERAL (VALUES
       (NOT pg_has_role(c.relowner, 'USAGE'), 'table', NULL, 'belongs to ' || pg_get_userbyid(c.relowner) || ': only its owner may add a column'),
       (c.relkind = 'p', 'table', NULL, 'is partitioned: each partition would need its own swap'),
       (c.relkind NOT IN ('r', 'p'), 'table', NULL, 'is no plain table'),
       (c.relispartition OR EXISTS (SELECT FROM pg_inherits i WHERE i.inhrelid = c.oid OR i.inhparent = c.oid), 'table', NULL, 'is a part or a parent of other tables'),
       (c.reloftype <> 0, 'table', NULL, 'is made of a type'),
       (a.attgenerated <> '', 'column', $3, 'is a generated column'),
       (EXISTS (SELECT FROM pg_seclabel s WHERE s.objoid = c.oid AND s.classoid = 'pg_class'::regclass AND s.objsubid = $2), 'column', $3, 'has a security label'),
       (EXISTS (SELECT FROM aclexplode(a.attacl) x WHERE x.grantor <> c.relowner), 'column', $3, 'has grants that others than the owner of the table gave: REVOKE them'),
       (EXISTS (SELECT FROM pg_attribute u JOIN pg_class k ON k.oid = u.attrelid WHERE NOT u.attisdropped AND k.relkind IN ('r', 'p', 'm')
                AND u.atttypid IN (c.reltype, (SELECT y.typarray FROM pg_type y WHERE y.oid = c.reltype))), 'row type', NULL, 'whole rows of this table are stored in another one: they keep the old column')
     ) AS o (applies, kind, name, detail)
     WHERE c.oid = $1::oid AND o.applies`,
    [oid, attribute, column],
  );
  return objections.map(({ kind, name, detail }) => ({ kind, name: name ?? title, detail }));
}
