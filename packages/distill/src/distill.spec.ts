import { describe, expect, it } from '@jest/globals';
import {
  batchSize,
  cosine,
  normalize,
  textIds,
  tokenBatch,
  type BackendOutput,
  type InferenceBackend,
  type TokenBatch,
} from '@kimera/core';
import { rejection, fakeSpace } from '@kimera/testing';
import { loadStaticModel, memoryFiles, staticModelFiles } from '@kimera/backend-light';
import { parseTokenizer } from '@kimera/tokenizers';
import fc from 'fast-check';
import { fitToTexts } from './fit-to-texts.js';
import { DistillOptionsError, distill, type DistillOptions, type DistillProgress } from './index.js';
import { principalComponents, project } from './principal-components.js';
import { sifWeights } from './sif-weights.js';
import { tinyTokenizerJson } from './tiny-tokenizer.fixture.js';
import { vocabularyTexts } from './vocabulary-texts.js';

const tokenizer = parseTokenizer(tinyTokenizerJson, 'tiny');
const N = 12;
/** A direction of N numbers for each token. */
const meaning = (token: number): readonly number[] =>
  Array.from({ length: N }, (_, d) => Math.sin((token + 2) * (d + 1.37)));
/** Some tokens say more than others, by a rule that no frequency tells. */
const importance = (token: number): number => (token % 3 === 0 ? 3 : 0.3);

/**
 * A teacher whose vectors are a weighted mean of its tokens' directions: what a table can learn exactly, but for the
 * weights of single tokens.
 */
class BagTeacher implements InferenceBackend {
  readonly name = 'bag';
  readonly space = fakeSpace('bag', { dimension: N, maxTokens: 32 });
  readonly variant = { name: 'fp32', fidelity: { minCosine: 1, meanCosine: 1, maxAbs: 0, texts: 0 } } as const;
  tokens = 0;

  run(batch: TokenBatch): Promise<BackendOutput> {
    this.tokens += batch.ids.length;
    const rows = Array.from({ length: batchSize(batch) }, (_, i) => [...normalize(this.sum(textIds(batch, i)))]);
    return Promise.resolve({ dense: Float32Array.from(rows.flat()) });
  }
  sum(ids: Int32Array): number[] {
    const sum = new Array<number>(N).fill(1e-3);
    for (const token of ids)
      if (!tokenizer.isSpecial(token))
        meaning(token).forEach((value, d) => (sum[d] = (sum[d] ?? 0) + importance(token) * value));
    return sum;
  }
  close(): Promise<void> {
    return Promise.resolve();
  }
}

/** Texts of ordinary pieces, `count` of them. */
function texts(count: number, seed: number): readonly string[] {
  const pieces = Array.from({ length: tokenizer.vocabularySize }, (_, token) => tokenizer.token(token) ?? '').filter(
    (piece) => /^[a-z]+$/.test(piece),
  );
  return Array.from({ length: count }, (_, i) =>
    Array.from(
      { length: 3 + ((i + seed) % 6) },
      (_, j) => pieces[(i * 31 + j * j * 17 + seed * 7) % pieces.length],
    ).join(' '),
  );
}

async function vectors(options: Partial<DistillOptions>, of: readonly string[]): Promise<readonly Float32Array[]> {
  const table = await distill({
    backend: new BagTeacher(),
    tokenizerJson: tinyTokenizerJson,
    dimension: N,
    ...options,
  });
  const { backend } = await loadStaticModel({
    files: memoryFiles(
      'distilled',
      await staticModelFiles({ modelId: 'test/distilled', tokenizerJson: tinyTokenizerJson, table, precision: 'fp32' }),
    ),
  });
  const { dense = new Float32Array() } = await backend.run(
    tokenBatch(of.map((text) => tokenizer.encode(text, { maxTokens: 32 }).ids)),
    { heads: ['dense'] },
  );
  const { dimension } = backend.space;
  return of.map((_, i) => dense.subarray(i * dimension, (i + 1) * dimension));
}

describe('distillation', () => {
  const held = texts(60, 5);
  /** Mean difference between the cosines of the static model's texts and the teacher's. */
  const error = (of: readonly Float32Array[]): number => {
    const teacher = new BagTeacher();
    const expected = held.map((text) => teacher.sum(tokenizer.encode(text, { maxTokens: 32 }).ids));
    let sum = 0;
    for (let i = 1; i < held.length; i++)
      sum += Math.abs(cosine(of[i] ?? [], of[i - 1] ?? []) - cosine(expected[i] ?? [], expected[i - 1] ?? []));
    return sum / (held.length - 1);
  };

  it('learns from texts how much each token says', async () => {
    const [alone, fitted] = [error(await vectors({}, held)), error(await vectors({ texts: texts(1_500, 1) }, held))];
    expect(fitted).toBeLessThan(0.1);
    expect(fitted).toBeLessThan(alone / 2);
  });

  it('gives every text a direction, and changes none with words by its special tokens', async () => {
    const [empty = [], sign = []] = await vectors({}, ['', '\u{13000}']);
    for (const vector of [empty, sign]) expect(Math.abs(Math.hypot(...vector) - 1)).toBeLessThan(1e-6);
    const table = await distill({ backend: new BagTeacher(), tokenizerJson: tinyTokenizerJson, dimension: N });
    const lengths = Array.from({ length: tokenizer.vocabularySize }, (_, token) =>
      Math.hypot(...table.rows.subarray(token * N, (token + 1) * N)),
    );
    const words = lengths.filter((_, token) => !tokenizer.isSpecial(token));
    const specials = lengths.filter((_, token) => tokenizer.isSpecial(token));
    expect(Math.max(...specials)).toBeLessThanOrEqual(Math.min(...words) * 1.1e-6);
    expect(Math.min(...specials)).toBeGreaterThan(0);
  });

  it('is the same bits each time, and says how far it is', async () => {
    const events: DistillProgress[] = [];
    const options = { tokenizerJson: tinyTokenizerJson, dimension: 4, texts: texts(80, 2) };
    const first = await distill({ ...options, backend: new BagTeacher(), onProgress: (event) => events.push(event) });
    expect(await distill({ ...options, backend: new BagTeacher() })).toEqual(first);
    expect([...new Set(events.map(({ phase }) => phase))]).toEqual(['vocabulary', 'texts', 'components', 'fit']);
    expect(events.every(({ done, total }) => done <= total)).toBe(true);
  });

  it('puts each token through the teacher alone, between the special tokens', () => {
    expect([...(vocabularyTexts(tokenizer)[300] ?? [])].map((id) => tokenizer.token(id))).toEqual([
      '[CLS]',
      tokenizer.token(300),
      '[SEP]',
    ]);
  });

  it('stops where it is told to', async () => {
    const controller = new AbortController();
    const stopped = rejection(() =>
      distill({
        backend: new BagTeacher(),
        tokenizerJson: tinyTokenizerJson,
        dimension: 4,
        texts: texts(80, 2),
        signal: controller.signal,
        onProgress: ({ phase }) => phase === 'fit' && controller.abort(new Error('enough')),
      }),
    );
    expect(await stopped).toMatchObject({ message: 'enough' });
    expect(
      await rejection(() =>
        distill({
          backend: new BagTeacher(),
          tokenizerJson: tinyTokenizerJson,
          dimension: 4,
          signal: controller.signal,
        }),
      ),
    ).toMatchObject({ message: 'enough' });
  });

  it.each([
    [{ dimension: N + 1 }, 'the teacher has 12'],
    [{ dimension: 0 }, '0 numbers are asked for'],
    [{ dimension: 4, texts: ['a', 'a', ''] }, '1 different texts'],
  ])('refuses %j', async (options, words) => {
    const error = await rejection(() =>
      distill({ backend: new BagTeacher(), tokenizerJson: tinyTokenizerJson, ...options }),
    );
    expect(error).toBeInstanceOf(DistillOptionsError);
    expect(error).toMatchObject({ code: 'DISTILL_OPTIONS', message: expect.stringContaining(words) });
  });
});

describe('principal components', () => {
  it('keep as much of the variance as any other directions could, and are centred', async () => {
    const rows = Float32Array.from({ length: 300 }, (_, i) => Math.sin(i * 1.3) * ([5, 1, 0.1][i % 3] ?? 0) + 2);
    const projection = await principalComponents(rows, 3, 2);
    const projected = await project(projection, rows);
    for (let d = 0; d < 2; d++)
      expect(Math.abs(projected.filter((_, i) => i % 2 === d).reduce((sum, value) => sum + value, 0))).toBeLessThan(
        1e-3,
      );
    const variance = (values: Float32Array, size: number): number =>
      values.reduce((sum, value, i) => sum + (value - (size === 3 ? (projection.mean[i % 3] ?? 0) : 0)) ** 2, 0);
    expect(variance(projected, 2) / variance(rows, 3)).toBeGreaterThan(0.99);
  });
});

it('SIF weights rise with the rank, those of model2vec', () => {
  // model2vec 0.9 compute_weights(4, 1e-4): ranks 2 to 5.
  const weights = sifWeights(5, (token) => token !== 1);
  expect([...weights].map((weight) => Number(weight.toPrecision(5)))).toEqual([
    0.0002566, 0, 0.00038485, 0.00051307, 0.00064126,
  ]);
});

it('a fit reaches the least squares that a direct solution gives', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.array(fc.integer({ min: 0, max: 3 }), { minLength: 1, maxLength: 5 }), {
        minLength: 2,
        maxLength: 8,
      }),
      async (bags) => {
        const start = Float32Array.of(1, 0.5, 2, 0.25);
        const targets = Float32Array.from(bags, (_, i) => Math.cos(i));
        const fitted = await fitToTexts(
          start,
          1,
          { texts: bags.map((bag) => Int32Array.from(bag)), targets },
          { hold: 0.7, rounds: 1, steps: 12 },
        );
        const sums = bags.map((bag) => bag.reduce((sum, token) => sum + (start[token] ?? 0), 0));
        const mean = sums.reduce((sum, value) => sum + value, 0) / sums.length;
        // The gradient at the solution is zero.
        for (let token = 0; token < 4; token++) {
          let gradient = 0.7 * ((start[token] ?? 0) / mean - (fitted[token] ?? 0));
          bags.forEach((bag, i) => {
            const scale = mean / (sums[i] ?? 1);
            const count = bag.filter((one) => one === token).length;
            gradient +=
              count * scale * ((targets[i] ?? 0) - scale * bag.reduce((sum, one) => sum + (fitted[one] ?? 0), 0));
          });
          expect(Math.abs(gradient)).toBeLessThan(1e-4);
        }
      },
    ),
    { numRuns: 40 },
  );
});
