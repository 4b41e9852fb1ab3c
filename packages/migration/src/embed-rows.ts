import {
  KimeraError,
  SpaceMismatchError,
  type Embedding,
  type NewVector,
  type PoisonRow,
  type SourceRow,
  type TextEmbedder,
  reasonOf,
} from '@kimera/core';
import { EmbedderBrokenError, NotFiniteVectorError } from './errors.js';

export interface EmbeddingOfRow {
  readonly row: SourceRow;
  readonly embedding: Embedding;
}
export interface EmbeddingsOfRows {
  readonly embedded: readonly EmbeddingOfRow[];
  readonly vectors: readonly NewVector[];
  readonly poison: readonly PoisonRow[];
}

/** Failures that say nothing about the texts. */
const OF_THE_EMBEDDER = ['CLOSED', 'QUEUE_FULL', 'SPACE_MISMATCH'];
/** A text that every model embeds: tells a poisonous row from a broken model. */
const HARMLESS = 'hello';

/**
 * Rows as documents, in the bulk lane. A batch that fails is cut in half until the rows to blame are alone; those come
 * back as poison.
 * @throws EmbedderBrokenError where a harmless text fails too, SpaceMismatchError where it answers in another space,
 * the embedder's ClosedError and QueueFullError, the signal's reason.
 */
export async function embedRows(
  embedder: TextEmbedder,
  rows: readonly SourceRow[],
  signal?: AbortSignal,
): Promise<EmbeddingsOfRows> {
  if (rows.length === 0) return { embedded: [], vectors: [], poison: [] };
  try {
    const embedded = await embed(embedder, rows, signal);
    return { embedded, vectors: embedded.map(({ row, embedding }) => newVector(row, embedding)), poison: [] };
  } catch (error) {
    signal?.throwIfAborted();
    if (error instanceof KimeraError && OF_THE_EMBEDDER.includes(error.code)) throw error;
    const middle = Math.ceil(rows.length / 2);
    if (rows.length > 1) {
      const halves = [
        await embedRows(embedder, rows.slice(0, middle), signal),
        await embedRows(embedder, rows.slice(middle), signal),
      ];
      return {
        embedded: halves.flatMap((half) => half.embedded),
        vectors: halves.flatMap(({ vectors }) => vectors),
        poison: halves.flatMap(({ poison }) => poison),
      };
    }
    const reason = reasonOf(error);
    await embedder.encodeText(HARMLESS, { role: 'document', lane: 'bulk' }).catch((cause: unknown) => {
      throw new EmbedderBrokenError(embedder.space.modelId, reason, { cause });
    });
    return { embedded: [], vectors: [], poison: rows.map(({ id, contentHash }) => ({ id, contentHash, reason })) };
  }
}

async function embed(
  embedder: TextEmbedder,
  rows: readonly SourceRow[],
  signal: AbortSignal | undefined,
): Promise<readonly EmbeddingOfRow[]> {
  const embeddings = await embedder.encodeBatch(
    rows.map(({ text }) => text),
    { role: 'document', lane: 'bulk', ...(signal === undefined ? {} : { signal }) },
  );
  return rows.map((row, i) => {
    const embedding = embeddings[i];
    if (embedding?.space !== embedder.space.fingerprint)
      throw new SpaceMismatchError(embedder.space.fingerprint, embedding?.space ?? 'none', `row ${row.id}`);
    return { row, embedding };
  });
}

function newVector(
  { id, contentHash }: SourceRow,
  { dense, variant, tokenizerRevision, truncated }: Embedding,
): NewVector {
  if (dense === undefined || !dense.every(Number.isFinite)) throw new NotFiniteVectorError(id);
  return { id, contentHash, dense, variant, tokenizerRevision, truncated };
}
