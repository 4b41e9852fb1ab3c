import type { Adoption, AdoptionProgress, AdoptionRequest, AdoptionStore, TokenizingEmbedder } from '@kimera/core';
import { PROOF_ROWS, proveVectors, type CandidateModel, type VectorProof } from './prove-vectors.js';

/** Rows whose vectors are copied in one transaction: a few MB, some hundred milliseconds. */
export const ROWS_PER_COPY = 1_000;
const SEED = 1;

export interface AdoptionParts {
  readonly store: AdoptionStore;
  /** The model that the stored vectors are said to be of, and that the collection begins with. */
  readonly model: TokenizingEmbedder;
  /** Models at hand, tried where the stored vectors are not the named one's. */
  readonly others?: readonly CandidateModel[];
}

export interface AdoptOptions {
  /** `embedded`: no stored vector is read, every row waits to be embedded. Default `copied`. */
  readonly vectors?: 'copied' | 'embedded';
  /** Rows of the sample of the proof. Default {@link PROOF_ROWS}. */
  readonly proofRows?: number;
  /** Default {@link ROWS_PER_COPY}. */
  readonly rowsPerCopy?: number;
  /** Stops between two transactions; the same call goes on. */
  readonly signal?: AbortSignal;
  readonly onProof?: (proof: VectorProof) => void;
  readonly onProgress?: (progress: AdoptionProgress) => void;
}

export interface AdoptResult {
  readonly adoption: Adoption;
  /** Null where no stored vector was read, or where it was proven before. */
  readonly proof: VectorProof | null;
  readonly progress: AdoptionProgress;
  readonly ended: 'finished' | 'stopped';
}

/**
 * A table of the application becomes a collection: checks, then the proof that its vectors are the model's, then one
 * transaction that adds the collection and its triggers, then the vectors are copied in batches. Until that transaction
 * nothing is written; after it, the same call goes on where it was stopped.
 * @throws the refusals of the store, of {@link proveVectors}, the signal's reason where it stops before the collection is there.
 */
export async function adoptTable(
  { store, model, others = [] }: AdoptionParts,
  request: AdoptionRequest,
  {
    vectors = 'copied',
    proofRows = PROOF_ROWS,
    rowsPerCopy = ROWS_PER_COPY,
    signal,
    onProof,
    onProgress,
  }: AdoptOptions = {},
): Promise<AdoptResult> {
  const adoption = await store.check(request, model.space);
  let proof: VectorProof | null = null;
  if (adoption.begun === 'now') {
    const sample =
      adoption.vector === null || vectors === 'embedded' ? [] : await adoption.sampleVectors(proofRows, SEED);
    if (sample.length > 0) {
      proof = await proveVectors(model, sample, others, signal);
      onProof?.(proof);
    }
    signal?.throwIfAborted();
    await adoption.begin(
      proof === null ? null : { variant: proof.variant, tokenizerRevision: proof.tokenizerRevision },
    );
  }
  let progress = await store.progress(adoption.collection);
  while (!progress.finished) {
    if (signal?.aborted === true) return { adoption, proof, progress, ended: 'stopped' };
    progress = await store.copyVectors(adoption.collection, rowsPerCopy, (texts) => areCut(model, texts));
    onProgress?.(progress);
  }
  return { adoption, proof, progress, ended: 'finished' };
}

/** Old vectors do not say whether they are of whole texts: the model's tokenizer does, without running the model. */
async function areCut(model: TokenizingEmbedder, texts: readonly string[]): Promise<readonly boolean[]> {
  const { ids, totalTokens } = await model.tokenize(texts, 'document');
  return texts.map((_, i) => (totalTokens[i] ?? 0) > (ids[i]?.length ?? 0));
}
