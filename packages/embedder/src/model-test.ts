import { maxAbsDifference, norm, type Head } from '@kimera/core';
import { probeFloor, probeSimilarities, type Probe, type ProbeOutput } from '@kimera/model-folder/pure';
import type { Variant } from '@kimera/core';

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

export interface ModelTest {
  readonly holds: boolean;
  readonly modelId: string;
  readonly space: string;
  readonly dimension: number;
  readonly maxTokens: number;
  readonly heads: readonly Head[];
  readonly backend: string;
  readonly variant: string;
  readonly probes: readonly ProbeTest[];
}

/** What came of a probe's text beside what is known of it. @param ids tokens that the text became. */
export function testProbe(probe: Probe, ids: Int32Array, output: ProbeOutput, variant: Variant): ProbeTest {
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
    holds: tokensEqual && [...heads].every(([head, similarity]) => similarity >= probeFloor(variant, head)),
  };
}
