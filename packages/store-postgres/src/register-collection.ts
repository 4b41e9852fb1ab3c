import type { EmbeddingSpace } from '@kimera/core';
import { mirrorIntoAdopted } from './in-place/adopted-mirror.js';
import type { KeyColumn } from './key.js';
import { createCapture } from './schema/capture.js';
import { createSpaceTables } from './schema/space-tables.js';
import { readSource, type Source } from './source.js';
import { registerSpace } from './spaces.js';
import { quoted } from './sql/identifier.js';
import type { Queryable } from './sql/queryable.js';

/** A table that becomes a collection. */
export interface NewCollection {
  /** Checked by `checkCollectionName`. */
  readonly name: string;
  readonly origin: 'adopted' | 'created';
  readonly schema: string;
  readonly table: string;
  /** Together unique, none nullable; in the order of the index that makes them so. */
  readonly key: readonly KeyColumn[];
  /** SQL over the columns of a row, immutable, with no subquery and all names qualified that are not the row's or pg_catalog's. */
  readonly textExpression: string;
  readonly tenantColumn: string | null;
  /** The application's own column of vectors, and who writes it. */
  readonly vectors: { readonly column: string; readonly writer: 'keeper' | 'application' } | null;
  /** That the collection is in from now on; without any vector yet. */
  readonly space: EmbeddingSpace;
}

/**
 * Records the collection, makes its tables and watches its source: for a transaction. Nothing is queued: rows that are
 * there already are for `reconcile`. @throws pg's DatabaseError where name or table are taken.
 */
export async function registerCollection(sql: Queryable, collection: NewCollection): Promise<Source> {
  const { name, origin, schema, table, key, textExpression, tenantColumn, vectors, space } = collection;
  // Whoever writes now is not watched: rows that are read later are those of before and of after.
  await sql.script(`LOCK TABLE ${quoted(schema, table)} IN SHARE ROW EXCLUSIVE MODE`);
  await sql.run(
    `INSERT INTO kimera.collections (name, adopted, source_schema, source_table, key_columns, text_expression, tenant_column, vector_column, vector_writer)
     VALUES ($1, $2, $3, $4, $5::jsonb, $6, $7, $8, $9)`,
    [
      name,
      origin === 'adopted',
      schema,
      table,
      JSON.stringify(key),
      textExpression,
      tenantColumn,
      vectors?.column ?? null,
      vectors?.writer ?? null,
    ],
  );
  await registerSpace(sql, name, space);
  await sql.run('INSERT INTO kimera.pointers (collection, space) VALUES ($1, $2)', [name, space.fingerprint]);
  if (vectors?.writer === 'keeper')
    await mirrorIntoAdopted(sql, name, space.fingerprint, { schema, table, column: vectors.column });
  const source = await readSource(sql, name);
  await createSpaceTables(sql, source, space);
  await createCapture(sql, source, [space.fingerprint]);
  return source;
}
