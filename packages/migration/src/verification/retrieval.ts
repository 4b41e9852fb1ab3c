import type { Hit, TextEmbedder } from '@kimera/core';
import type { MigrationParts } from '../parts.js';

const QUERIES_PER_BATCH = 128;

export interface Retrieval {
  readonly hits: readonly (readonly Hit[])[];
  /** Queries that were cut at the model's limit. */
  readonly truncated: number;
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
): Promise<Retrieval> {
  const hits: (readonly Hit[])[] = [];
  let truncated = 0;
  for (let from = 0; from < texts.length; from += QUERIES_PER_BATCH) {
    const embeddings = await embedder.encodeBatch(texts.slice(from, from + QUERIES_PER_BATCH), {
      role: 'query',
      lane: 'bulk',
    });
    for (const { dense = new Float32Array(), space, truncated: cut } of embeddings) {
      hits.push(await store.vectors.searchSpace(collection, { space, dense }, limit));
      if (cut) truncated += 1;
    }
    onProgress?.(hits.length);
  }
  return { hits, truncated };
}
