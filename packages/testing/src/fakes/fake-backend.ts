import {
  batchSize,
  checkRun,
  ClosedError,
  textIds,
  type BackendOutput,
  type EmbeddingSpace,
  type HeadRequest,
  type InferenceBackend,
  type TokenBatch,
  type Variant,
  type VariantName,
} from '@kimera/core';
import { fakeColbert, fakeDense, fakeSparse } from './fake-heads.js';
import { fakeSpace } from './fake-space.js';
import { FakeTokenizer } from './fake-tokenizer.js';

export interface FakeBackendOptions {
  /** Default 'fake'. */
  readonly name?: string;
  readonly space?: EmbeddingSpace;
  readonly variant?: VariantName;
  /** Turns the vectors: spaces with another shift have other vectors. Default 0. */
  readonly shift?: number;
  /** Runs before each batch: wait here to hold it back, throw here to fail it. */
  readonly before?: (batch: TokenBatch) => Promise<void>;
}

/** Vectors to compute in the head (fake-heads.ts), every head that its space names, and a log of its batches. */
export class FakeBackend implements InferenceBackend {
  readonly name: string;
  readonly space: EmbeddingSpace;
  readonly variant: Variant;
  readonly vocabularySize = new FakeTokenizer().vocabularySize;
  /** Batches that were run, in order. */
  readonly batches: TokenBatch[] = [];
  readonly #shift: number;
  readonly #before: ((batch: TokenBatch) => Promise<void>) | undefined;
  #closed = false;

  constructor({
    name = 'fake',
    space = fakeSpace('fake'),
    variant = 'fp32',
    shift = 0,
    before,
  }: FakeBackendOptions = {}) {
    this.name = name;
    this.space = space;
    this.variant = { name: variant, fidelity: { minCosine: 1, meanCosine: 1, maxAbs: 0, texts: 0 } };
    this.#shift = shift;
    this.#before = before;
  }

  async run(batch: TokenBatch, { heads, normalize }: HeadRequest): Promise<BackendOutput> {
    if (this.#closed) throw new ClosedError(this.name);
    checkRun(batch, { heads }, this.space, this.vocabularySize);
    this.batches.push(batch);
    await this.#before?.(batch);
    const texts = Array.from({ length: batchSize(batch) }, (_, i) => textIds(batch, i));
    const space = normalize === false ? { ...this.space, normalize } : this.space;
    return {
      ...(heads.includes('dense') ? { dense: flat(texts.map((ids) => fakeDense(ids, space, this.#shift))) } : {}),
      ...(heads.includes('sparse') ? { sparse: texts.map(fakeSparse) } : {}),
      ...(heads.includes('colbert')
        ? { colbert: texts.map((ids) => flat(fakeColbert(ids, this.space, this.#shift))) }
        : {}),
    };
  }

  close(): Promise<void> {
    this.#closed = true;
    return Promise.resolve();
  }
}

function flat(rows: readonly Float32Array[]): Float32Array {
  return Float32Array.from(rows.flatMap((row) => [...row]));
}
