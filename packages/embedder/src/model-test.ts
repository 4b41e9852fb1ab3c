import { type EmbeddingSpace, type Head, type HeadsOfText, maxAbsDifference, norm, type Variant } from '@kimera/core';
import { hasNormOf, probeFloor, probeSimilarities, type Probe } from '@kimera/model-folder/pure';

export interface ProbeTest {
  readonly text: string;
  /** Of the dense head. */
  readonly cosine: number;
  readonly maxAbs: number;
  readonly norm: number;
  /** Cosine of each head. */
  readonly heads: Readonly<Partial<Record<Head, number>>>;
  readonly tokensEqual: boolean;
  readonly holds: boolean;
}

/**
 * What a model is taken for, where that is known: a migration planned for bge-m3 wants 1,024 numbers, 8,192 tokens and
 * three heads.
 */
export interface ModelExpectation {
  readonly dimension?: number;
  readonly maxTokens?: number;
  readonly heads?: readonly Head[];
}

export interface ExpectationTest {
  readonly what: keyof ModelExpectation;
  readonly expected: string;
  readonly actual: string;
  readonly holds: boolean;
}

export interface ModelTest {
  /** Every probe and every expectation. */
  readonly holds: boolean;
  readonly modelId: string;
  readonly space: string;
  readonly dimension: number;
  readonly maxTokens: number;
  readonly heads: readonly Head[];
  readonly backend: string;
  readonly variant: string;
  readonly expectations: readonly ExpectationTest[];
  readonly probes: readonly ProbeTest[];
}

/** A space may have more heads than are expected. */
export function testExpectation(
  { dimension, maxTokens, heads = [] }: ModelExpectation,
  space: EmbeddingSpace,
): readonly ExpectationTest[] {
  const numbers = [
    ['dimension', dimension],
    ['maxTokens', maxTokens],
  ] as const;
  return [
    ...numbers.flatMap(([what, expected]) =>
      expected === undefined
        ? []
        : [{ what, expected: String(expected), actual: String(space[what]), holds: space[what] === expected }],
    ),
    ...(heads.length === 0
      ? []
      : [
          {
            what: 'heads' as const,
            expected: heads.join(', '),
            actual: space.heads.join(', '),
            holds: heads.every((head) => space.heads.includes(head)),
          },
        ]),
  ];
}

/** What came of a probe's text beside what is known of it. @param ids tokens that the text became. */
export function testProbe(probe: Probe, ids: Int32Array, output: HeadsOfText, variant: Variant): ProbeTest {
  const { dense = new Float32Array() } = output;
  const heads = probeSimilarities(output, probe);
  const tokensEqual = ids.length === probe.ids.length && ids.every((id, i) => id === probe.ids[i]);
  return {
    text: probe.text,
    cosine: heads.get('dense') ?? -1,
    maxAbs: dense.length === probe.dense.length ? maxAbsDifference(dense, probe.dense) : Infinity,
    norm: norm(dense),
    heads: Object.fromEntries(heads),
    tokensEqual,
    holds:
      tokensEqual &&
      hasNormOf(dense, probe) &&
      [...heads].every(([head, similarity]) => similarity >= probeFloor(variant, head)),
  };
}
