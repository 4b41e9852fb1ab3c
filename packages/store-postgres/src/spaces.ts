import type { EmbeddingSpace } from '@kimera/core';
import { pendingTable, vectorsTable } from './schema/space-tables.js';
import type { Queryable } from './sql/queryable.js';

/**
 * From now on the collection has this space; its tables are made by the caller. The first record of a space is kept.
 */
export async function registerSpace(sql: Queryable, collection: string, space: EmbeddingSpace): Promise<void> {
  const { fingerprint, modelId } = space;
  await sql.run(
    'INSERT INTO kimera.spaces (fingerprint, model_id, space) VALUES ($1, $2, $3::jsonb) ON CONFLICT DO NOTHING',
    [fingerprint, modelId, JSON.stringify(space)],
  );
  await sql.run(
    'INSERT INTO kimera.collection_spaces (collection, space, vectors_table, pending_table) VALUES ($1, $2, $3, $4)',
    [collection, fingerprint, vectorsTable(collection, fingerprint), pendingTable(collection, fingerprint)],
  );
}
