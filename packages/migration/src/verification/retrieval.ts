import type { Hit, TextEmbedder } from '@kimera/core';
import type { MigrationParts } from '../parts.js';

const QUERIES_PER_BATCH = 128;

/** What one query found. */
export interface Retrieved {
  readonly hits: readonly Hit[];
  /** The query was cut at the model's limit. */
  readonly truncated: boolean;
}

/**
 * The hits of each query in the space of `embedder`, through the store's own search; queries with their role's prompt.
 */
export async function retrieve(
  { store, collection }: MigrationParts,
  embedder: TextEmbedder,
  texts: readonly string[],
  limit: number,
  onProgress?: (done: number) => void,
): Promise<readonly Retrieved[]> {
  const found: Retrieved[] = [];
  for (let from = 0; from < texts.length; from += QUERIES_PER_BATCH) {
    const embeddings = await embedder.encodeBatch(texts.slice(from, from + QUERIES_PER_BATCH), {
      role: 'query',
      lane: 'bulk',
    });
    for (const { dense = new Float32Array(), space, truncated } of embeddings)
      found.push({ hits: await store.vectors.searchSpace(collection, { space, dense }, limit), truncated });
    onProgress?.(found.length);
  }
  return found;
}
