/**
 * How far a vector may be from another one. All three must hold: cosine cannot see a forgotten normalisation, the
 * largest difference of one number cannot see a direction that is off everywhere by a little, the norm sees neither.
 */
export interface Tolerance {
  readonly name: string;
  /** Why these figures and no tighter ones. */
  readonly reason: string;
  readonly minCosine: number;
  /** max |aᵢ - bᵢ|, for vectors of length about 1. */
  readonly maxAbs: number;
  /** |‖a‖ - ‖b‖| / ‖b‖. */
  readonly norm: number;
}

/** The same bits. */
export const exact: Tolerance = {
  name: 'exact',
  reason: 'the same numbers; the cosine itself is computed in float64 and may miss 1 by a rounding',
  minCosine: 1 - 1e-12,
  maxAbs: 0,
  norm: 0,
};

/** One float32 runtime, the same weights, another shape of batch. */
export const float32: Tolerance = {
  name: 'float32',
  reason:
    'sums in another order: sentence-transformers differs from itself by 2.4e-7 between batches of 1 and 32 (fixtures/minilm), kernels of other widths by a few times that',
  minCosine: 0.9999999,
  maxAbs: 2e-6,
  norm: 1e-6,
};

/** A float32 runtime against another library's float32 vectors of the same checkpoint. */
export const float32Runtime: Tolerance = {
  name: 'float32Runtime',
  reason:
    'two implementations of erf, exp and layer normalisation through all layers; fixtures/minilm suggests 1e-5 and 0.999999',
  minCosine: 0.999999,
  maxAbs: 1e-5,
  norm: 1e-6,
};

/** Weights rounded to float16, arithmetic in float32, against the float32 checkpoint. */
export const fp16Weights: Tolerance = {
  name: 'fp16Weights',
  reason:
    'each weight is off by up to 2^-11 of itself, at random, over six to twelve layers; measured on 120 texts of MiniLM: 0.9999991, 2.5e-4, 4e-7',
  minCosine: 0.99999,
  maxAbs: 5e-4,
  norm: 1e-6,
};
