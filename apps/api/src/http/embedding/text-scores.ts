import { setImmediate as turn } from 'node:timers/promises';
import {
  colbertScore,
  cosine,
  hybridScore,
  lexicalScore,
  quantizedCosine,
  type Embedding,
  type EmbeddingSpace,
  type Head,
} from '@kimera/core';

/** A score of two texts: of one head, or the weighted mean of those that the model has. */
export const SCORES = ['dense', 'lexical', 'colbert', 'hybrid'] as const;
export type ScoreName = (typeof SCORES)[number];

/** Heads by the names of their scores. */
export const HEAD_OF_SCORE = { dense: 'dense', lexical: 'sparse', colbert: 'colbert' } as const satisfies Readonly<
  Record<Exclude<ScoreName, 'hybrid'>, Head>
>;
export type SingleScores = Readonly<Partial<Record<keyof typeof HEAD_OF_SCORE, number | undefined>>>;
/** Those of bge-m3's examples. */
export const USUAL_WEIGHTS = { dense: 0.4, lexical: 0.2, colbert: 0.4 } as const satisfies Required<SingleScores>;

/** Products of ColBERT that are added up before other requests get their turn, some 5 ms. */
const PRODUCTS_A_TURN = 4_000_000;

/** The heads that a score needs; hybrid takes those that the model has. */
export function headsOf(score: ScoreName, { heads }: EmbeddingSpace): readonly Head[] {
  return score === 'hybrid' ? heads : [HEAD_OF_SCORE[score]];
}

/**
 * Of a query against a text, each head's that both have; the dense one of the vectors that the space has, whatever they
 * are quantized to. @param space of both; derived or a model's own. @throws ZeroVectorError, EmptyMultiVectorError, the signal's
 * reason.
 */
export async function scoresOf(
  query: Embedding,
  text: Embedding,
  space: EmbeddingSpace,
  signal: AbortSignal,
): Promise<SingleScores> {
  return {
    ...denseScore(query, text, space),
    ...(query.sparse === undefined || text.sparse === undefined
      ? {}
      : { lexical: lexicalScore(query.sparse, text.sparse) }),
    ...(query.colbert === undefined || text.colbert === undefined
      ? {}
      : { colbert: await lateInteraction(query.colbert, text.colbert, space, signal) }),
  };
}

function denseScore(query: Embedding, text: Embedding, { derived, dimension }: EmbeddingSpace): SingleScores {
  if (query.dense !== undefined && text.dense !== undefined) return { dense: cosine(query.dense, text.dense) };
  if (query.quantized === undefined || text.quantized === undefined || derived?.dtype === undefined) return {};
  return { dense: quantizedCosine(query.quantized, text.quantized, { dtype: derived.dtype, dimension }) };
}

/** @throws HybridWeightsError where the weights of the scores at hand add up to 0. */
export function scoreNamed(name: ScoreName, scores: SingleScores, weights: SingleScores): number {
  if (name !== 'hybrid') return scores[name] ?? 0;
  const { dense, lexical: sparse, colbert } = scores;
  const by = { dense, sparse, colbert };
  return hybridScore(Object.fromEntries(Object.entries(by).filter(([, score]) => score !== undefined)), {
    dense: weights.dense ?? 0,
    sparse: weights.lexical ?? 0,
    colbert: weights.colbert ?? 0,
  });
}

/** `colbertScore` in pieces: the mean over the query's tokens, some of them at a time. */
async function lateInteraction(
  query: readonly Float32Array[],
  text: readonly Float32Array[],
  { colbertDimension, dimension }: EmbeddingSpace,
  signal: AbortSignal,
): Promise<number> {
  const width = colbertDimension ?? dimension;
  const passage = flat(text, width);
  const rows = Math.max(1, Math.floor(PRODUCTS_A_TURN / Math.max(1, passage.length)));
  let sum = 0;
  for (let from = 0; from < Math.max(1, query.length); from += rows) {
    const some = query.slice(from, from + rows);
    sum += colbertScore(flat(some, width), passage, width) * some.length;
    if (query.length * passage.length > PRODUCTS_A_TURN) await turn();
    signal.throwIfAborted();
  }
  return sum / query.length;
}

/** [T', C] row-major. */
function flat(vectors: readonly Float32Array[], width: number): Float32Array {
  const all = new Float32Array(vectors.length * width);
  vectors.forEach((vector, i) => all.set(vector, i * width));
  return all;
}
