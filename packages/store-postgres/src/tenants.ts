import { NoTenantsError, SpaceMismatchError, type SourceRow } from '@kimera/core';
import { z } from 'zod';
import { rowColumns, sourceRow } from './source-rows.js';
import { reading, type HeldSpace, type Source } from './source.js';
import type { Queryable } from './sql/queryable.js';

const spaceRow = z.object({ space: z.string() });

/** Fingerprints of the spaces that these tenants are in, in their order. @throws NoTenantsError. */
export async function readTenantSpaces(
  sql: Queryable,
  { name, tenantColumn, activeSpace }: Source,
  tenants: readonly string[],
): Promise<readonly string[]> {
  if (tenantColumn === null) throw new NoTenantsError(name);
  const rows = await sql.rows(
    spaceRow,
    `SELECT coalesce(p.space, $2) AS space FROM unnest($3::text[]) WITH ORDINALITY AS asked (tenant, place)
     LEFT JOIN kimera.pointers p ON p.collection = $1 AND p.tenant = asked.tenant ORDER BY place`,
    [name, activeSpace, tenants],
  );
  return rows.map(({ space }) => space);
}

/** Moves every pointer, or those of these tenants, from one space to another. @throws SpaceMismatchError, NoTenantsError. */
export async function movePointers(
  sql: Queryable,
  source: Source,
  from: string,
  toSpace: string,
  tenants: readonly string[] | undefined,
): Promise<void> {
  const { name, activeSpace } = source;
  const what = `active space of ${name}`;
  if (tenants === undefined) {
    const moved = await sql.run('UPDATE kimera.pointers SET space = $3 WHERE collection = $1 AND space = $2', [
      name,
      from,
      toSpace,
    ]);
    if (moved === 0) throw new SpaceMismatchError(from, activeSpace, what);
    return;
  }
  const other = (await readTenantSpaces(sql, source, tenants)).find((space) => space !== from);
  if (other !== undefined) throw new SpaceMismatchError(from, other, what);
  await sql.run(
    `INSERT INTO kimera.pointers (collection, tenant, space) SELECT DISTINCT $1, tenant, $2 FROM unnest($3::text[]) AS moved (tenant)
     ON CONFLICT (collection, tenant) DO UPDATE SET space = excluded.space`,
    [name, toSpace, tenants],
  );
}

/** Rows of these tenants that wait, in no order. */
export function readPendingOf(
  sql: Queryable,
  source: Source,
  { pending }: HeldSpace,
  tenants: readonly string[],
): Promise<readonly SourceRow[]> {
  const { key, rows } = source;
  return reading(sql, source).rows(
    sourceRow,
    `SELECT ${rowColumns(source)} FROM (SELECT DISTINCT ${key.list} FROM ${pending}) p JOIN ${rows} d ON ${key.equal('d', 'p')} WHERE d.tenant = ANY ($1::text[])`,
    [tenants],
  );
}
