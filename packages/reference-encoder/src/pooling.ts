import { norm, type Pooling } from '@kimera/core';
import { ACTIVATIONS, type Activation } from './activation.js';
import type { WeightReader } from './forward-pass.js';
import { linear } from './linear.js';

/** A module of sentence-transformers after the pooling. */
export type AfterPooling =
  | { readonly kind: 'normalize' }
  /** Keeps the first `dimension` numbers of a longer vector. */
  | { readonly kind: 'truncate'; readonly dimension: number }
  | {
      readonly kind: 'dense';
      /** Folder of its weights inside the checkpoint. */
      readonly path: string;
      readonly inFeatures: number;
      readonly outFeatures: number;
      readonly bias: 'present' | 'absent';
      readonly activation: Activation;
    };

/** What turns hidden states into a vector. */
export interface ModuleChain {
  readonly pooling: readonly Pooling[];
  /** Whether the tokens of the prompt, and [CLS] before it, take part in the pooling. */
  readonly promptPooling: 'included' | 'excluded';
  readonly afterPooling: readonly AfterPooling[];
}

/** torch.nn.functional.normalize divides by at least this. */
export const NORM_FLOOR = 1e-12;
/** sentence-transformers divides by at least this (5.7, Pooling.py). */
export const SUM_FLOOR = 1e-9;
/** What sentence-transformers puts where a token is left out of a maximum. */
export const LEFT_OUT = -1e9;

/** Hidden states [T, D] → [D]; tokens from `first` on take part. */
type PoolingReference = (hidden: Float64Array, tokens: number, dimension: number, first: number) => Float64Array;

/** The token at this place; 'first' is the first that takes part, or token 0 where none does. */
const at =
  (place: 'first' | 'last'): PoolingReference =>
  (hidden, tokens, dimension, first) => {
    const token = place === 'last' ? tokens - 1 : first < tokens ? first : 0;
    return hidden.slice(token * dimension, (token + 1) * dimension);
  };

/** Σ weight·h / divisor, the weights of the tokens that take part alone. */
const weighted =
  (weight: (position: number) => number, divisor: (sum: number) => number): PoolingReference =>
  (hidden, tokens, dimension, first) => {
    const pooled = new Float64Array(dimension);
    let total = 0;
    for (let t = first; t < tokens; t++) {
      total += weight(t);
      for (let d = 0; d < dimension; d++)
        pooled[d] = (pooled[d] as number) + (hidden[t * dimension + d] as number) * weight(t);
    }
    return pooled.map((value) => value / divisor(Math.max(total, SUM_FLOOR)));
  };

/**
 * sentence-transformers' pooling kinds over a text without padding; token counts include the special tokens. The same
 * kinds as graphs: packages/converter/src/graphs/pooling-graph.ts.
 */
const POOLING_REFERENCES: Readonly<Record<Pooling, PoolingReference>> = {
  cls: at('first'),
  lasttoken: at('last'),
  mean: weighted(
    () => 1,
    (sum) => sum,
  ),
  max: (hidden, tokens, dimension, first) =>
    Float64Array.from({ length: dimension }, (_, d) => {
      let largest = first === 0 ? -Infinity : LEFT_OUT;
      for (let t = first; t < tokens; t++) largest = Math.max(largest, hidden[t * dimension + d] as number);
      return largest;
    }),
  mean_sqrt_len_tokens: weighted(() => 1, Math.sqrt),
  weightedmean: weighted(
    (t) => t + 1,
    (sum) => sum,
  ),
};

/** Canonical name of a Dense module's weights, without `.weight` and `.bias`. @param index in the chain. */
export function denseName({ activation }: Extract<AfterPooling, { kind: 'dense' }>, index: number): string {
  return `after_pooling.${index}.dense.${activation}`;
}

/** The vector of one text, and what it was before it was divided by its norm, where that is the last step. */
export interface PooledReference {
  readonly dense: Float64Array;
  readonly pooled: Float64Array | undefined;
}

/**
 * The vector of one text: several kinds are concatenated; then the modules in their order. @param promptTokens tokens
 * at the head that are left out.
 */
export async function poolReference(
  hidden: Float64Array,
  tokens: number,
  dimension: number,
  { pooling, promptPooling, afterPooling }: ModuleChain,
  promptTokens: number,
  weights: WeightReader,
): Promise<PooledReference> {
  const first = promptPooling === 'excluded' ? Math.min(promptTokens, tokens) : 0;
  let x: Float64Array = Float64Array.from(
    pooling.flatMap((kind) => [...POOLING_REFERENCES[kind](hidden, tokens, dimension, first)]),
  );
  let unnormalized: Float64Array | undefined;
  for (const [i, module] of afterPooling.entries()) {
    if (module.kind === 'normalize') {
      unnormalized ??= x;
      const length = Math.max(NORM_FLOOR, norm(x));
      x = x.map((value) => value / length);
    } else if (module.kind === 'truncate') {
      if (module.dimension < x.length) unnormalized = undefined;
      x = x.slice(0, module.dimension);
    } else {
      const name = denseName(module, i);
      const bias =
        module.bias === 'present' ? await weights.tensor(`${name}.bias`) : new Float32Array(module.outFeatures);
      x = ACTIVATIONS[module.activation](await linear(x, 1, weights.slices(`${name}.weight`), bias));
      unnormalized = undefined;
    }
  }
  return { dense: x, pooled: unnormalized };
}
