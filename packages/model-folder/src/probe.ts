import { cosine, maxAbsDifference, ProbeMismatchError, tokenBatch, type InferenceBackend, type Role, type Variant, type Vector } from '@kimera/core';
import type { SpaceFileProbe } from './space-file.js';

/** A text whose tokens and vector are known from the float64 forward pass over the checkpoint. */
export interface Probe {
  readonly text: string;
  readonly role: Role | null;
  readonly ids: Int32Array;
  /** [D]. */
  readonly dense: Vector;
}

export function decodeProbe(probe: SpaceFileProbe): Probe {
  return { text: probe.text, role: probe.role, ids: Int32Array.from(probe.ids), dense: decodeVector(probe.dense) };
}

export function decodeVector(base64: string): Vector {
  const bytes = Buffer.from(base64, 'base64');
  return Float32Array.from({ length: bytes.length / 4 }, (_, i) => bytes.readFloatLE(i * 4));
}

export function encodeVector(vector: ArrayLike<number>): string {
  const bytes = Buffer.alloc(vector.length * 4);
  for (let i = 0; i < vector.length; i++) bytes.writeFloatLE(vector[i] as number, i * 4);
  return bytes.toString('base64');
}

/** Cosine that a lossless variant must reach on every probe: float32 rounding stays above 0.999999, other models stay below 0.5. */
export const PROBE_COSINE_FLOOR = 0.9999;
/** Probes are not the texts on which fidelity was measured: what a lossy variant may lose beyond its recorded minimum. */
const PROBE_COSINE_SLACK = 0.005;

export function probeFloor(variant: Variant): number {
  return Math.min(PROBE_COSINE_FLOOR, variant.fidelity.minCosine - (variant.fidelity.minCosine < PROBE_COSINE_FLOOR ? PROBE_COSINE_SLACK : 0));
}

export interface ProbeResult {
  readonly text: string;
  readonly cosine: number;
  readonly maxAbs: number;
}

/** Runs the probes one by one through the backend and compares. @throws ProbeMismatchError where one is below the floor of the backend's variant. */
export async function checkProbes(backend: InferenceBackend, probes: readonly Probe[]): Promise<readonly ProbeResult[]> {
  const floor = probeFloor(backend.variant);
  const results: ProbeResult[] = [];
  for (const probe of probes) {
    const { dense } = await backend.run(tokenBatch([probe.ids]), { heads: ['dense'] });
    const vector = dense ?? new Float32Array();
    const comparable = vector.length === probe.dense.length && vector.some((value) => value !== 0);
    const similarity = comparable ? cosine(vector, probe.dense) : -1;
    const difference = comparable ? maxAbsDifference(vector, probe.dense) : Infinity;
    if (!(similarity >= floor)) throw new ProbeMismatchError(backend.name, backend.space.fingerprint, similarity, floor, probe.text);
    results.push({ text: probe.text, cosine: similarity, maxAbs: difference });
  }
  return results;
}
