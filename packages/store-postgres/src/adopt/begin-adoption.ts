import { CollectionExistsError, type CopyStamp, type EmbeddingSpace } from '@kimera/core';
import { registerCollection } from '../register-collection.js';
import type { Database } from '../sql/database.js';
import { sqlState, UNIQUE_VIOLATION } from '../sql/sql-state.js';
import type { AdoptableTable } from './check-adoption.js';
import { keyColumn } from './column-types.js';
import { TableAdoptedError, VectorDimensionError } from './errors.js';
import { observeVectorWrites } from './observed-writes.js';

/** One transaction: the collection, its triggers, and where the copy of its vectors begins. */
export async function beginAdoption(
  database: Database,
  { table, collection, key, text, tenant, vector }: AdoptableTable,
  space: EmbeddingSpace,
  stamp: CopyStamp | null,
): Promise<void> {
  const dimension = vector?.dimension ?? null;
  if (vector !== null && dimension !== null && dimension !== space.dimension)
    throw new VectorDimensionError(vector.column, [dimension], space.modelId, space.dimension);
  try {
    await database.transaction(async (sql) => {
      const source = await registerCollection(sql, {
        name: collection,
        origin: 'adopted',
        schema: table.schema,
        table: table.name,
        key: key.map(keyColumn),
        textExpression: text,
        tenantColumn: tenant,
        vectors: vector === null ? null : { column: vector.column, writer: vector.writer },
        space,
      });
      if (vector !== null) await observeVectorWrites(sql, source, vector.column);
      await sql.run(
        'INSERT INTO kimera.adoptions (collection, space, storage, variant, tokenizer_revision, rows) VALUES ($1, $2, $3, $4, $5, $6)',
        [
          collection,
          space.fingerprint,
          stamp === null ? null : (vector?.storage ?? null),
          stamp?.variant ?? null,
          stamp?.tokenizerRevision ?? null,
          Math.round(table.rows.count),
        ],
      );
    });
  } catch (error) {
    if (sqlState(error) !== UNIQUE_VIOLATION) throw error;
    // Another process was quicker with the name, or with the table.
    if (error instanceof Error && 'constraint' in error && error.constraint === 'collections_pkey')
      throw new CollectionExistsError(collection);
    throw new TableAdoptedError(table.title, collection);
  }
}
