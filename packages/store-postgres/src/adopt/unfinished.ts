import type { AdoptionRequest, EmbeddingSpace, VectorColumnWriter } from '@kimera/core';
import { z } from 'zod';
import type { Queryable } from '../sql/queryable.js';
import { AdoptionUnfinishedError } from './errors.js';

/** An adoption that was begun and whose vectors are not all copied. */
export interface Unfinished {
  readonly id: readonly string[];
  readonly text: string;
  readonly tenant: string | null;
  readonly vector: { readonly column: string; readonly type: string; readonly writer: VectorColumnWriter } | null;
  readonly rows: number;
  readonly space: string;
}

const unfinishedRow = z.object({
  id: z.array(z.object({ name: z.string() })),
  text: z.string(),
  tenant: z.string().nullable(),
  column: z.string().nullable(),
  storage: z.string().nullable(),
  writer: z.enum(['keeper', 'application']).nullable(),
  rows: z.coerce.number(),
  space: z.string(),
});

/** Undefined where it is finished, or the collection was not adopted. */
export async function readUnfinished(sql: Queryable, collection: string): Promise<Unfinished | undefined> {
  const row = await sql.row(
    unfinishedRow,
    `SELECT key_columns AS id, text_expression AS text, tenant_column AS tenant, vector_column AS column, storage, vector_writer AS writer, rows, a.space
     FROM kimera.adoptions a JOIN kimera.collections c ON c.name = a.collection WHERE a.collection = $1 AND a.finished IS NULL`,
    [collection],
  );
  if (row === undefined) return undefined;
  const { id, column, storage, writer, ...rest } = row;
  return {
    ...rest,
    id: id.map(({ name }) => name),
    vector: column === null || writer === null ? null : { column, writer, type: storage ?? 'vector' },
  };
}

/** What the request says must be what was begun. @throws AdoptionUnfinishedError. */
export function checkSame(
  collection: string,
  begun: Unfinished,
  request: AdoptionRequest,
  { fingerprint, modelId }: EmbeddingSpace,
): void {
  const others: readonly (readonly [string, boolean])[] = [
    ['--collection', request.collection !== undefined && request.collection !== collection],
    ['--id', request.id !== undefined && [...request.id].sort().join() !== [...begun.id].sort().join()],
    ['--tenant', request.tenant !== undefined && request.tenant !== begun.tenant],
    ['--vector', request.vector !== undefined && request.vector !== (begun.vector?.column ?? null)],
    ['--vector-writer', request.vectorWriter !== undefined && request.vectorWriter !== begun.vector?.writer],
    [`--model ${modelId}`, fingerprint !== begun.space],
  ];
  const differing = others.flatMap(([option, differs]) => (differs ? [option] : []));
  if (differing.length > 0) throw new AdoptionUnfinishedError(collection, differing);
}
