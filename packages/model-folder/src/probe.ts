import {
  cosine,
  hasDirection,
  type Head,
  type HeadsOfText,
  headsOfText,
  type InferenceBackend,
  maxAbsDifference,
  norm,
  ProbeMismatchError,
  ProbeNormError,
  type Role,
  type TokenBatch,
  tokenBatch,
  type Variant,
  type Vector,
} from '@kimera/core';
import { decodeBase64, encodeBase64 } from './base64.js';
import type { SpaceFileProbe } from './space-file.js';

/** A text whose tokens and vector are known from the float64 forward pass over the checkpoint. */
export interface Probe {
  readonly text: string;
  readonly role: Role | null;
  readonly ids: Int32Array;
  /** [D]. */
  readonly dense: Vector;
  /** Tokens at the head that are the prompt's; 0 where the space does not look at them. */
  readonly promptTokens: number;
  /** L2 norm of the vector before its normalisation, where the folder's graphs tell that vector. */
  readonly norm?: number;
  /** Token id → weight, where the model has the head. */
  readonly sparse?: ReadonlyMap<number, number>;
  /** [T - 1, C], where the model has the head. */
  readonly colbert?: Float32Array;
}

export function decodeProbe(probe: SpaceFileProbe): Probe {
  return {
    text: probe.text,
    role: probe.role,
    ids: Int32Array.from(probe.ids),
    dense: decodeVector(probe.dense),
    promptTokens: probe.promptTokens ?? 0,
    ...(probe.norm === undefined ? {} : { norm: probe.norm }),
    ...(probe.sparse === undefined ? {} : { sparse: new Map(probe.sparse) }),
    ...(probe.colbert === undefined ? {} : { colbert: decodeVector(probe.colbert) }),
  };
}

export function decodeVector(base64: string): Vector {
  const bytes = new DataView(decodeBase64(base64).buffer);
  return Float32Array.from({ length: bytes.byteLength / 4 }, (_, i) => bytes.getFloat32(i * 4, true));
}

export function encodeVector(vector: ArrayLike<number>): string {
  const bytes = new DataView(new ArrayBuffer(vector.length * 4));
  for (let i = 0; i < vector.length; i++) bytes.setFloat32(i * 4, vector[i] as number, true);
  return encodeBase64(new Uint8Array(bytes.buffer));
}

/**
 * Cosine that a lossless variant must reach on every probe: float32 rounding stays above 0.999999, other models stay
 * below 0.5.
 */
export const PROBE_COSINE_FLOOR = 0.9999;
/**
 * Probes are not the texts on which fidelity was measured: what a lossy variant may lose beyond its recorded minimum.
 */
const PROBE_COSINE_SLACK = 0.005;

/** Cosine that a variant's probes must reach. */
export function probeFloor({ fidelity }: Variant, head: Head = 'dense'): number {
  const { minCosine } = (head === 'dense' ? undefined : fidelity.heads?.[head]) ?? fidelity;
  return Math.min(PROBE_COSINE_FLOOR, minCosine - (minCosine < PROBE_COSINE_FLOOR ? PROBE_COSINE_SLACK : 0));
}

export interface ProbeResult {
  readonly text: string;
  readonly cosine: number;
  readonly maxAbs: number;
}

/** Cosine of each head that the probe knows; -1 where the two cannot be compared, 1 where both have nothing. */
export function probeSimilarities(
  { dense = new Float32Array(), sparse, colbert }: HeadsOfText,
  probe: Probe,
): ReadonlyMap<Head, number> {
  const similarities = new Map<Head, number>([['dense', similarityOf(dense, probe.dense)]]);
  if (probe.sparse !== undefined) similarities.set('sparse', sparseSimilarity(sparse ?? new Map(), probe.sparse));
  if (probe.colbert !== undefined)
    similarities.set('colbert', similarityOf(colbert ?? new Float32Array(), probe.colbert));
  return similarities;
}

/**
 * Share by which a vector may be longer or shorter than the probe's: 8 bits without normalisation lose less than a
 * hundredth.
 */
const PROBE_NORM_SLACK = 0.02;

/** Whether a vector is as long as the probe's. */
export function hasNormOf(dense: Vector, probe: Probe): boolean {
  return isNear(norm(dense), norm(probe.dense));
}

function isNear(actual: number, expected: number): boolean {
  return Math.abs(actual - expected) <= expected * PROBE_NORM_SLACK;
}

/**
 * Runs the probes one by one through the backend, all its heads, and compares. @throws ProbeMismatchError where one is
 * below the floor of the backend's variant, ProbeNormError.
 */
export async function checkProbes(
  backend: InferenceBackend,
  probes: readonly Probe[],
): Promise<readonly ProbeResult[]> {
  const results: ProbeResult[] = [];
  for (const probe of probes) {
    const output = headsOfText(await backend.run(batchOf(probe), { heads: backend.space.heads }), 0, 1);
    const { dense = new Float32Array() } = output;
    const similarities = probeSimilarities(output, probe);
    for (const [head, similarity] of similarities) {
      const floor = probeFloor(backend.variant, head);
      if (!(similarity >= floor))
        throw new ProbeMismatchError(backend.name, backend.space.fingerprint, similarity, floor, probe.text);
    }
    if (!hasNormOf(dense, probe))
      throw new ProbeNormError(backend.name, backend.space.fingerprint, norm(dense), norm(probe.dense), probe.text);
    results.push({
      text: probe.text,
      cosine: similarities.get('dense') ?? -1,
      maxAbs: maxAbsDifference(dense, probe.dense),
    });
  }
  await checkPooled(backend, probes);
  return results;
}

/** The first probe as it is before the normalisation: a graph that tells that vector tells it of every text. */
async function checkPooled(backend: InferenceBackend, probes: readonly Probe[]): Promise<void> {
  const [probe] = probes;
  if (probe?.norm === undefined) return;
  const { dense = new Float32Array() } = await backend.run(batchOf(probe), { heads: ['dense'], normalize: false });
  const [similarity, floor] = [similarityOf(dense, probe.dense), probeFloor(backend.variant)];
  if (!(similarity >= floor))
    throw new ProbeMismatchError(backend.name, backend.space.fingerprint, similarity, floor, probe.text);
  if (!isNear(norm(dense), probe.norm))
    throw new ProbeNormError(backend.name, backend.space.fingerprint, norm(dense), probe.norm, probe.text);
}

function batchOf({ ids, promptTokens }: Probe): TokenBatch {
  return { ...tokenBatch([ids]), ...(promptTokens === 0 ? {} : { promptTokens: Int32Array.of(promptTokens) }) };
}

/** Cosine of all numbers as one vector; -1 where they cannot be compared. */
function similarityOf(actual: Vector, expected: Vector): number {
  if (actual.length === 0 && expected.length === 0) return 1;
  return actual.length === expected.length && hasDirection(actual) ? cosine(actual, expected) : -1;
}

/** Over the token ids of both. A text without words has no weight at all. */
function sparseSimilarity(actual: ReadonlyMap<number, number>, expected: ReadonlyMap<number, number>): number {
  const ids = [...new Set([...actual.keys(), ...expected.keys()])];
  const vector = (weights: ReadonlyMap<number, number>): Vector => Float32Array.from(ids, (id) => weights.get(id) ?? 0);
  return (actual.size === 0) !== (expected.size === 0) ? -1 : similarityOf(vector(actual), vector(expected));
}
