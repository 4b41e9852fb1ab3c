import type { OldVector, TextEmbedder } from '@kimera/core';
import {
  OtherModelVectorsError,
  OutdatedVectorsError,
  UnknownModelVectorsError,
  UnreadableVectorsError,
} from '../errors.js';
import { compareVectors, type Comparison } from './compare-vectors.js';

/** Rows of the sample: where none of n is bad, at most 3/n of all are at 95 % (rule of three), so 1 % here. */
export const PROOF_ROWS = 300;
/** Rows on which every other model at hand is tried. */
const SEARCH_ROWS = 24;
/** By chance no vector agrees: a model that made the greater part of the vectors is the one, and the rest are outdated. */
const FITTING_SHARE = 0.5;

/** A model that the stored vectors may be of. */
export interface CandidateModel {
  readonly modelId: string;
  readonly dimension: number;
  readonly open: () => Promise<ClosableEmbedder>;
}
export interface ClosableEmbedder extends TextEmbedder {
  close(): Promise<void>;
}

/** That the stored vectors are the named model's. */
export interface VectorProof extends Omit<Comparison, 'disagreeing'> {
  /** At 95 %, at most this share of all stored vectors is of another model or text: 3/n. */
  readonly mostBad: number;
}

/**
 * Embeds the sample again and compares.
 * @param others tried in this order where the named model does not fit.
 * @throws OtherModelVectorsError, UnknownModelVectorsError, OutdatedVectorsError, UnreadableVectorsError, the
 * embedder's errors.
 */
export async function proveVectors(
  model: TextEmbedder,
  sample: readonly OldVector[],
  others: readonly CandidateModel[],
  signal?: AbortSignal,
): Promise<VectorProof> {
  const { modelId, dimension } = model.space;
  const readable = sample.filter(({ dense }) => dense !== null);
  const [broken] = sample.filter(({ dense }) => dense === null);
  if (readable.length <= sample.length * FITTING_SHARE && broken !== undefined)
    throw new UnreadableVectorsError(sample.length - readable.length, sample.length, broken.id, broken.problem ?? '');
  const { disagreeing, ...found } = await compareVectors(model, readable, 'document', signal);
  if (found.rows === readable.length && disagreeing.length === 0)
    return { ...found, mostBad: Math.min(1, 3 / found.rows) };
  if (found.agreeing > readable.length * FITTING_SHARE) {
    const otherwise = readable.filter(({ dense }) => dense?.length !== dimension).map(({ id }) => id);
    const outdated = [...disagreeing, ...otherwise];
    // The rest could not be embedded: nothing is known about those.
    if (outdated.length === 0) return { ...found, mostBad: Math.min(1, 3 / found.rows) };
    throw new OutdatedVectorsError(modelId, outdated, readable.length);
  }
  const fitting = await searchModel(model, readable, others, signal);
  const dimensions = dimensionsOf(readable);
  const otherwise = dimensions.includes(dimension) ? '--re-embed' : '--vector none';
  if (fitting !== undefined) throw new OtherModelVectorsError(modelId, fitting.modelId, fitting.role, found, otherwise);
  const tried = [...new Set(others.map((each) => each.modelId))];
  throw new UnknownModelVectorsError(modelId, found, dimensions, tried, otherwise);
}

/** The named model with its query prompt first, then the others. */
async function searchModel(
  named: TextEmbedder,
  sample: readonly OldVector[],
  others: readonly CandidateModel[],
  signal: AbortSignal | undefined,
): Promise<{ readonly modelId: string; readonly role: 'document' | 'query' } | undefined> {
  const few = sample.slice(0, SEARCH_ROWS);
  const dimensions = dimensionsOf(sample);
  if (await fits(named, few, 'query', signal)) return { modelId: named.space.modelId, role: 'query' };
  for (const { modelId, dimension, open } of others) {
    if (!dimensions.includes(dimension)) continue;
    const embedder = await open();
    try {
      if (embedder.space.fingerprint === named.space.fingerprint) continue;
      for (const role of ['document', 'query'] as const)
        if (await fits(embedder, few, role, signal)) return { modelId, role };
    } finally {
      await embedder.close();
    }
  }
  return undefined;
}

async function fits(
  model: TextEmbedder,
  sample: readonly OldVector[],
  role: 'document' | 'query',
  signal: AbortSignal | undefined,
): Promise<boolean> {
  const { agreeing } = await compareVectors(model, sample, role, signal);
  return agreeing > sample.length * FITTING_SHARE;
}

function dimensionsOf(sample: readonly OldVector[]): readonly number[] {
  return [...new Set(sample.flatMap(({ dense }) => (dense === null ? [] : [dense.length])))].sort((a, b) => a - b);
}
