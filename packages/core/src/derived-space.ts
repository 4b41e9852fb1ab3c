import { canonicalJsonBytes } from './canonical-json.js';
import { DerivedDimensionsError, DerivedDtypeError, DerivedParentError } from './errors.js';
import { sha256Hex } from './fingerprint.js';
import type { DerivedDtype, EmbeddingSpace, Head } from './space.js';

/** Fixed rules that make another vector of a dense vector, in the order of the members. docs/fingerprint.md has them. */
export interface Derivation {
  /** The pooled vector as long as it is, not divided by its norm. */
  readonly normalize?: false | undefined;
  /** n, the first n of the D numbers; divided by their own norm where the vectors of the space are normalised. */
  readonly dimensions?: number | undefined;
  /** Each number in 8 bits or in one; float32 where absent. */
  readonly dtype?: DerivedDtype | undefined;
}

/**
 * The space of the vectors that a derivation makes of those of `parent`; `parent` itself where it changes nothing (all D
 * numbers, no normalisation where there is none). Only dense vectors change: sparse weights and ColBERT vectors of a
 * derived space are those of its parent, and one with a dtype has none.
 *
 * Its fingerprint is the SHA-256 over the canonical JSON of `{parent: fingerprint, …}` with those of `normalize`,
 * `dimensions` and `dtype` that change something.
 * @throws DerivedDimensionsError (not 1 to D), DerivedDtypeError (int8 and uint8 of vectors that are not normalised),
 * DerivedParentError (`parent` is derived itself).
 */
export async function deriveSpace(parent: EmbeddingSpace, derivation: Derivation): Promise<EmbeddingSpace> {
  const rules = effectiveRules(parent, derivation);
  if (Object.keys(rules).length === 0) return parent;
  if (parent.derived !== undefined) throw new DerivedParentError(parent.fingerprint, parent.derived.parent);
  const { dimensions, dtype } = rules;
  const heads = parent.heads.filter((head) => head === 'dense' || dtype === undefined);
  const normalize = parent.normalize && rules.normalize !== false;
  if ((dtype === 'int8' || dtype === 'uint8') && !normalize) throw new DerivedDtypeError(dtype);
  return {
    ...parent,
    heads,
    // The ColBERT vectors are not cut.
    ...(heads.includes('colbert') ? { colbertDimension: parent.colbertDimension ?? parent.dimension } : {}),
    dimension: dimensions ?? parent.dimension,
    normalize,
    fingerprint: await sha256Hex(canonicalJsonBytes({ parent: parent.fingerprint, ...rules })),
    derived: {
      parent: parent.fingerprint,
      ...rules,
      ...(dimensions === undefined ? {} : { trained: (parent.trainedDimensions ?? []).includes(dimensions) }),
    },
  };
}

/** Without the rules that leave the vectors as they are. @throws DerivedDimensionsError. */
function effectiveRules(
  { dimension, normalize: normalized }: EmbeddingSpace,
  { normalize, dimensions, dtype }: Derivation,
): { readonly normalize?: false; readonly dimensions?: number; readonly dtype?: DerivedDtype } {
  if (dimensions !== undefined && (!Number.isInteger(dimensions) || dimensions < 1 || dimensions > dimension))
    throw new DerivedDimensionsError(dimensions, dimension);
  return {
    ...(normalize === false && normalized ? { normalize } : {}),
    ...(dimensions === undefined || dimensions === dimension ? {} : { dimensions }),
    ...(dtype === undefined ? {} : { dtype }),
  };
}

/** What a listing says of a space. Structured-cloneable and JSON. */
export interface SpaceDescription {
  readonly fingerprint: string;
  readonly modelId: string;
  /** Fingerprint of the space that it is derived from; null where it is a model's own. */
  readonly parent: string | null;
  /** Numbers in a dense vector. */
  readonly dimensions: number;
  /** Whether dense vectors are divided by their norm. */
  readonly normalize: boolean;
  readonly dtype: 'float32' | DerivedDtype;
  /** Whether the model was trained for so many numbers: true of all D, and of fewer where its files name them. */
  readonly trained: boolean;
  readonly maxTokens: number;
  readonly heads: readonly Head[];
  readonly colbertDimensions: number | null;
}

export function describeSpace(space: EmbeddingSpace): SpaceDescription {
  const { fingerprint, modelId, derived, dimension, normalize, maxTokens, heads, colbertDimension } = space;
  return {
    fingerprint,
    modelId,
    parent: derived?.parent ?? null,
    dimensions: dimension,
    normalize,
    dtype: derived?.dtype ?? 'float32',
    trained: derived?.trained ?? true,
    maxTokens,
    heads,
    colbertDimensions: heads.includes('colbert') ? (colbertDimension ?? dimension) : null,
  };
}
