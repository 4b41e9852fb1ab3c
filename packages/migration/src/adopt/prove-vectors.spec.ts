import { beforeAll, describe, expect, it } from '@jest/globals';
import type { OldVector, Role, TextEmbedder } from '@kimera/core';
import { FakeEmbedder, fakeSpace, rejection, type FakeEmbedderOptions } from '@kimera/testing';
import {
  EmbedderBrokenError,
  OtherModelVectorsError,
  OutdatedVectorsError,
  UnknownModelVectorsError,
  UnreadableVectorsError,
} from '../errors.js';
import { rowsOf } from '../journey.fixture.js';
import { PROOF_ROWS, proveVectors, type CandidateModel } from './prove-vectors.js';

const PROMPTS = { query: 'query: ', document: 'passage: ' };
const OLD = fakeSpace('old', { dimension: 32, prompts: PROMPTS });
const OTHER = fakeSpace('other', { dimension: 32, prompts: PROMPTS });
const WIDE = fakeSpace('wide', { dimension: 48 });
const model = (options: FakeEmbedderOptions = {}) => new FakeEmbedder({ space: OLD, ...options });
const wide = (): FakeEmbedder => new FakeEmbedder({ space: WIDE });
const other = (): FakeEmbedder => new FakeEmbedder({ space: OTHER, shift: 5 });

async function sampleOf(embedder: TextEmbedder, count: number, role: Role = 'document'): Promise<readonly OldVector[]> {
  const rows = rowsOf(count);
  const embeddings = await embedder.encodeBatch(
    rows.map(({ text }) => text),
    { role },
  );
  return rows.map((row, i) => ({ ...row, contentHash: '', dense: embeddings[i]?.dense ?? null, problem: null }));
}
const changed = (
  sample: readonly OldVector[],
  change: (vector: Float32Array, place: number) => Float32Array | null,
): readonly OldVector[] =>
  sample.map((row, i) => {
    const dense = row.dense === null ? null : change(Float32Array.from(row.dense), i);
    return { ...row, dense, problem: dense === null ? 'not an array' : null };
  });
const closed: string[] = [];
const candidate = (embedder: FakeEmbedder): CandidateModel => ({
  modelId: embedder.space.modelId,
  dimension: embedder.space.dimension,
  open: async () => Object.assign(embedder, { close: async () => void closed.push(embedder.space.modelId) }),
});

describe('vectors that are the model’s', () => {
  it('are proven, with the share that may still be bad', async () => {
    const proof = await proveVectors(model(), await sampleOf(model(), PROOF_ROWS), []);
    expect(proof).toMatchObject({ rows: 300, agreeing: 300, notNormalised: 0, mostBad: 0.01, variant: 'fp32' });
    expect(proof.worstCosine).toBeGreaterThan(0.999999);
  });

  it('rounded to halfvec', async () => {
    const half = changed(await sampleOf(model(), 50), (vector) => vector.map((x) => Math.round(x * 2048) / 2048));
    expect((await proveVectors(model(), half, [])).agreeing).toBe(50);
  });

  it('of another length: said, and accepted by direction', async () => {
    const long = changed(await sampleOf(model(), 50), (vector) => vector.map((x) => x * 3));
    expect(await proveVectors(model(), long, [])).toMatchObject({ agreeing: 50, notNormalised: 50 });
  });

  it('are compared with a lower floor by a quantised variant', async () => {
    const noisy = changed(await sampleOf(model(), 50), (vector) =>
      vector.map((x, i) => x + (i % 2 === 0 ? 0.01 : -0.01)),
    );
    await expect(proveVectors(model(), noisy, [])).rejects.toBeInstanceOf(UnknownModelVectorsError);
    expect(await proveVectors(model({ variant: 'q4' }), noisy, [])).toMatchObject({ agreeing: 50, floor: 0.98 });
  });

  it('but for a text that the model cannot embed: the others count', async () => {
    const poison = (text: string): Error | undefined => (text.endsWith(' 7') ? new Error('too odd') : undefined);
    expect(await proveVectors(model({ poison }), await sampleOf(model(), 50), [])).toMatchObject({
      rows: 49,
      agreeing: 49,
    });
  });
});

describe('vectors that are not the model’s', () => {
  let sampled: readonly OldVector[];
  beforeAll(async () => {
    sampled = await sampleOf(other(), 40);
  });

  it('of a model at hand, which is named and closed', async () => {
    const error = await rejection(() => proveVectors(model(), sampled, [candidate(wide()), candidate(other())]));
    expect(error).toBeInstanceOf(OtherModelVectorsError);
    expect(error).toMatchObject({
      named: 'fake/old',
      fitting: 'fake/other',
      role: 'document',
      otherwise: '--re-embed',
    });
    expect(closed).toEqual(['fake/other']);
  });

  it('of another dimension than the model’s', async () => {
    const wideVectors = await sampleOf(wide(), 40);
    await expect(proveVectors(model(), wideVectors, [candidate(wide())])).rejects.toMatchObject({
      fitting: 'fake/wide',
      // Not to be written into a column of that dimension.
      otherwise: '--vector none',
    });
    await expect(proveVectors(model(), wideVectors, [])).rejects.toMatchObject({
      code: 'VECTORS_OF_UNKNOWN_MODEL',
      dimensions: [48],
    });
  });

  it('of the model with its prompt for queries', async () => {
    const queries = changed(await sampleOf(model(), 40, 'query'), (vector) => vector);
    await expect(proveVectors(model(), queries, [])).rejects.toMatchObject({
      code: 'VECTORS_OF_OTHER_MODEL',
      fitting: 'fake/old',
      role: 'query',
    });
  });

  it('of none at hand: says which were tried', async () => {
    await expect(proveVectors(model(), sampled, [candidate(wide())])).rejects.toMatchObject({
      code: 'VECTORS_OF_UNKNOWN_MODEL',
      tried: ['fake/wide'],
    });
  });

  it('one of the sample is of an older text: its id is named', async () => {
    const sample = await sampleOf(model(), 100);
    const [, second] = sample;
    const mixed = sample.map((row, i) => (i === 7 ? { ...row, dense: second?.dense ?? null } : row));
    const error = await rejection(() => proveVectors(model(), mixed, []));
    expect(error).toBeInstanceOf(OutdatedVectorsError);
    expect(error).toMatchObject({ ids: ['r00007'], sampled: 100 });
  });

  it('most values are no vectors', async () => {
    const broken = changed(await sampleOf(model(), 20), (vector, i) => (i % 3 === 0 ? vector : null));
    await expect(proveVectors(model(), broken, [])).rejects.toBeInstanceOf(UnreadableVectorsError);
  });

  it('a model that embeds no text is no proof of anything', async () => {
    const broken = model({ poison: () => new Error('no memory') });
    await expect(proveVectors(broken, sampled, [])).rejects.toBeInstanceOf(EmbedderBrokenError);
  });
});
