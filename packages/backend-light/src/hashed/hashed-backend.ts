import {
  batchSize,
  checkRun,
  ClosedError,
  norm,
  textIds,
  type BackendOutput,
  type EmbeddingSpace,
  type HeadRequest,
  type InferenceBackend,
  type TokenBatch,
  type Variant,
} from '@kimera/core';
import { TimeSlice } from '../time-slice.js';
import { CodePointTokenizer } from './code-point-tokenizer.js';
import { hashText } from './hash-text.js';
import { textFeatures } from './text-features.js';

/**
 * Bucket 0 belongs to the start of the text alone, with this weight: every text has a direction, whatever cancels out
 * in the other buckets, and the cosine of two texts with words changes by about a millionth.
 */
const START_WEIGHT = 1 / 1024;

/**
 * Features of a text hashed into the buckets 1 to D - 1 with a sign, divided by the length of the vector unless asked not to. Texts that
 * share words or parts of words are alike, and nothing else is: for tests and for a first start where there is no
 * model, not for quality.
 */
export class HashedBackend implements InferenceBackend {
  readonly name = 'hashed';
  readonly variant: Variant = { name: 'fp32', fidelity: { minCosine: 1, meanCosine: 1, maxAbs: 0, texts: 0 } };
  readonly #tokenizer = new CodePointTokenizer();
  readonly #slice = new TimeSlice();
  #closed = false;

  /** @param space of {@link hashedSpace} with the same seed. */
  constructor(
    readonly space: EmbeddingSpace,
    private readonly seed: number,
  ) {}

  async run(batch: TokenBatch, { heads, normalize }: HeadRequest): Promise<BackendOutput> {
    if (this.#closed) throw new ClosedError('the hashed model');
    checkRun(batch, { heads }, this.space, this.#tokenizer.vocabularySize);
    if (heads.length === 0) return {};
    const { dimension } = this.space;
    const dense = new Float32Array(batchSize(batch) * dimension);
    for (let text = 0; text < batchSize(batch); text++) {
      await this.#slice.pause();
      const sum = this.#vector(this.#tokenizer.decode(textIds(batch, text)));
      const length = normalize === false ? 1 : norm(sum);
      for (let d = 0; d < dimension; d++) dense[text * dimension + d] = (sum[d] as number) / length;
    }
    return { dense };
  }

  close(): Promise<void> {
    this.#closed = true;
    return Promise.resolve();
  }

  /** [D], not normalised: the hash modulo 2 is the sign, half of it modulo D - 1 the bucket. */
  #vector(text: string): Float64Array {
    const sum = new Float64Array(this.space.dimension);
    sum[0] = START_WEIGHT;
    for (const { name, weight } of textFeatures(text)) {
      const hash = hashText(name, this.seed);
      const bucket = 1 + ((hash >>> 1) % (sum.length - 1));
      sum[bucket] = (sum[bucket] as number) + ((hash & 1) === 0 ? weight : -weight);
    }
    return sum;
  }
}
