import {
  cosine,
  norm,
  SpaceMismatchError,
  type Embedding,
  type OldVector,
  type Role,
  type TextEmbedder,
  type VariantName,
} from '@kimera/core';
import { EmbedderBrokenError } from '../errors.js';

/**
 * Cosine between a stored vector and its text embedded again. Other programs compute the same model in float32 (above
 * 0.99999), in float16 or bfloat16 (above 0.9995), and round to halfvec (above 0.999999): all stay above. Another model
 * gives below 0.5, and the same model with another prompt or token limit mostly below 0.99.
 */
export const FULL_PRECISION_FLOOR = 0.999;
/** A quantised variant computes here what another program computed in float32: the floor that its conversion must reach. */
export const QUANTISED_FLOOR = 0.98;
/** Texts of one call. */
const BATCH = 64;
/** A length this near to 1 is that of a normalised vector, halfvec's rounding included. */
const UNIT_LENGTH_TOLERANCE = 0.01;

/** What a model makes of rows, beside the vectors that are stored for them. */
export interface Comparison {
  /** Rows compared. */
  readonly rows: number;
  /** Of them: the stored vector is this model's. */
  readonly agreeing: number;
  /** The smallest cosine among those that agree; 1 where none does. */
  readonly worstCosine: number;
  readonly floor: number;
  /** Ids of rows whose vector is another. */
  readonly disagreeing: readonly string[];
  /** Agreeing vectors whose length is not 1. Their direction is what searches compare. */
  readonly notNormalised: number;
  /** Texts that the model cuts. */
  readonly truncated: number;
  readonly variant: VariantName;
  readonly tokenizerRevision: number;
}

/** Rows that the model cannot embed, and values that are no vectors of its dimension, are left out. */
export async function compareVectors(
  model: TextEmbedder,
  sample: readonly OldVector[],
  role: Role,
  signal?: AbortSignal,
): Promise<Comparison> {
  const stored = new Map(
    sample.flatMap(({ id, dense }) => (dense?.length === model.space.dimension ? [[id, dense] as const] : [])),
  );
  const rows = sample.filter(({ id }) => stored.has(id));
  const embeddings = await embed(model, rows, role, signal);
  const compared = rows.flatMap(({ id }, i) => {
    const [old, embedding] = [stored.get(id), embeddings[i]];
    if (old === undefined || embedding?.dense === undefined) return [];
    const again = embedding.dense;
    const floor = floorOf(embedding.variant);
    const similarity = cosine(old, again);
    return [{ id, embedding, floor, similarity, agrees: similarity >= floor, length: norm(old) }];
  });
  const agreeing = compared.filter(({ agrees }) => agrees);
  const [first] = compared;
  return {
    rows: compared.length,
    agreeing: agreeing.length,
    worstCosine: Math.min(1, ...agreeing.map(({ similarity }) => similarity)),
    floor: first?.floor ?? FULL_PRECISION_FLOOR,
    disagreeing: compared.filter(({ agrees }) => !agrees).map(({ id }) => id),
    notNormalised: agreeing.filter(({ length }) => Math.abs(length - 1) > UNIT_LENGTH_TOLERANCE).length,
    truncated: compared.filter(({ embedding }) => embedding.truncated).length,
    variant: first?.embedding.variant ?? 'fp32',
    tokenizerRevision: first?.embedding.tokenizerRevision ?? 1,
  };
}

/** One a row; undefined where the model cannot embed the row alone. @throws EmbedderBrokenError where it can embed none. */
async function embed(
  model: TextEmbedder,
  rows: readonly OldVector[],
  role: Role,
  signal: AbortSignal | undefined,
): Promise<readonly (Embedding | undefined)[]> {
  const options = { role, lane: 'bulk', ...(signal === undefined ? {} : { signal }) } as const;
  const embeddings: (Embedding | undefined)[] = [];
  let reason: Error | undefined;
  for (let start = 0; start < rows.length; start += BATCH) {
    const texts = rows.slice(start, start + BATCH).map(({ text }) => text);
    try {
      embeddings.push(...(await model.encodeBatch(texts, options)));
    } catch {
      for (const text of texts) {
        signal?.throwIfAborted();
        embeddings.push(
          await model.encodeText(text, options).catch((error: unknown) => {
            reason = error instanceof Error ? error : new Error(String(error));
            return undefined;
          }),
        );
      }
    }
  }
  if (reason !== undefined && embeddings.every((embedding) => embedding === undefined))
    throw new EmbedderBrokenError(model.space.modelId, reason.message, { cause: reason });
  const foreign = embeddings.find(
    (embedding) => embedding !== undefined && embedding.space !== model.space.fingerprint,
  );
  if (foreign !== undefined) throw new SpaceMismatchError(model.space.fingerprint, foreign.space, 'the sample');
  return embeddings;
}

function floorOf(variant: VariantName): number {
  return variant === 'fp32' || variant === 'fp16' ? FULL_PRECISION_FLOOR : QUANTISED_FLOOR;
}
