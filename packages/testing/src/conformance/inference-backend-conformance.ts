import {
  type BackendOutput,
  batchSize,
  cosine,
  HEADS,
  type InferenceBackend,
  maxAbsDifference,
  norm,
  normalize,
  tokenBatch,
  type TokenBatch,
} from '@kimera/core';
import { rejection, type TestFunctions } from '../test-functions.js';
import type { Tolerance } from '../tolerance/tolerance.js';
import { checkClose } from '../tolerance/vector-difference.js';

export interface InferenceBackendCase {
  readonly name: string;
  readonly open: () => Promise<InferenceBackend>;
  /** Token ids of at least three different texts of different lengths, special tokens included. */
  readonly texts: readonly Int32Array[];
  /** Ids from this one on are refused. */
  readonly vocabularySize: number;
  /** Of a text's row in a batch from the same text alone. */
  readonly tolerance: Tolerance;
}

const DENSE = { heads: ['dense'] } as const;

/** What every InferenceBackend must do; heads and limits are read from the backend. B texts, D numbers, T tokens. */
export function inferenceBackendConformance(
  { describe, it, beforeAll, afterAll, expect }: TestFunctions,
  { name, open, texts, vocabularySize, tolerance }: InferenceBackendCase,
): void {
  describe(`${name} as an inference backend`, () => {
    let backend: InferenceBackend;
    beforeAll(async () => {
      backend = await open();
    });
    afterAll(() => backend.close());
    const row = ({ dense = new Float32Array() }: BackendOutput, i: number): Float32Array =>
      dense.subarray(i * backend.space.dimension, (i + 1) * backend.space.dimension);
    const alone = async (ids: Int32Array): Promise<Float32Array> => row(await backend.run(tokenBatch([ids]), DENSE), 0);
    /** Each text of `texts` alone. */
    const eachAlone = async (): Promise<ReadonlyMap<Int32Array, Float32Array>> => {
      const vectors = new Map<Int32Array, Float32Array>();
      for (const ids of texts) vectors.set(ids, await alone(ids));
      return vectors;
    };

    it('gives an empty batch empty outputs', async () => {
      const output = await backend.run(tokenBatch([]), { heads: backend.space.heads });
      for (const head of backend.space.heads) expect(output[head]?.length).toBe(0);
    });

    it('gives a text the same vector alone and in a batch, in order, duplicates included', async () => {
      const mixed = [...texts, ...texts.toReversed(), ...texts.slice(0, 1)];
      const together = await backend.run(tokenBatch(mixed), DENSE);
      expect(together.dense?.length).toBe(mixed.length * backend.space.dimension);
      const singles = await eachAlone();
      for (const [i, ids] of mixed.entries())
        checkClose(row(together, i), singles.get(ids) ?? [], tolerance, `text ${i} of the batch`);
      // Texts that differ have other vectors: a backend that gave every text one vector would pass the rest.
      expect(cosine(row(together, 0), row(together, 1)) < tolerance.minCosine).toBe(true);
    });

    it('gives finite vectors, of length 1 where the space is normalised', async () => {
      const output = await backend.run(tokenBatch(texts), DENSE);
      for (const i of texts.keys()) {
        expect(row(output, i).every((value) => Number.isFinite(value))).toBe(true);
        if (backend.space.normalize) expect(Math.abs(norm(row(output, i)) - 1) < 1e-6).toBe(true);
      }
    });

    it('gives vectors before their normalisation where it is asked for them, the same direction in their own length', async () => {
      const whole = await backend.run(tokenBatch(texts), { heads: ['dense'], normalize: false });
      expect(whole.dense?.length).toBe(texts.length * backend.space.dimension);
      const normalized = await backend.run(tokenBatch(texts), DENSE);
      for (const [i, ids] of texts.entries()) {
        const single = await backend.run(tokenBatch([ids]), { heads: ['dense'], normalize: false });
        const length = norm(row(whole, i));
        const ofLengthOne = (vector: Float32Array): Float32Array => vector.map((value) => value / length);
        checkClose(ofLengthOne(row(single, 0)), ofLengthOne(row(whole, i)), tolerance, `text ${i} alone`);
        const expected = backend.space.normalize ? normalize(row(whole, i)) : row(whole, i);
        expect(maxAbsDifference(expected, row(normalized, i)) <= 1e-6).toBe(true);
      }
      // One that gave normalised vectors would pass the rest.
      const ones = texts.filter((_, i) => Math.abs(norm(row(whole, i)) - 1) < 1e-6);
      if (backend.space.normalize) expect(ones.length < texts.length).toBe(true);
    });

    it('does not mix concurrent calls', async () => {
      const calls = [...texts, ...texts, ...texts];
      const outputs = await Promise.all(calls.map((ids) => backend.run(tokenBatch([ids]), DENSE)));
      const singles = await eachAlone();
      for (const [i, ids] of calls.entries())
        checkClose(row(outputs[i] ?? {}, 0), singles.get(ids) ?? [], tolerance, `call ${i}`);
    });

    it('leaves the batch that it was given as it was', async () => {
      const batch = tokenBatch(texts);
      await backend.run(batch, DENSE);
      expect([...batch.ids]).toEqual(texts.flatMap((ids) => [...ids]));
      expect(batchSize(batch)).toBe(texts.length);
    });

    it('takes a text of exactly maxTokens and refuses one more', async () => {
      const { maxTokens, dimension } = backend.space;
      const longest = Int32Array.from({ length: maxTokens }, (_, i) => texts[0]?.[i % texts[0].length] ?? 0);
      expect((await alone(longest)).length).toBe(dimension);
      expect(await rejection(() => alone(new Int32Array([...longest, 1])))).toMatchObject({
        code: 'INVALID_TOKEN_BATCH',
      });
    });

    const broken: readonly (readonly [string, () => TokenBatch])[] = [
      ['a text without tokens', () => tokenBatch([[]])],
      ['an id beyond the vocabulary', () => tokenBatch([...texts, [vocabularySize]])],
      ['a negative id', () => tokenBatch([[-1]])],
      ['offsets that end elsewhere', () => ({ ids: new Int32Array(2), offsets: Int32Array.of(0, 1) })],
      ['no offsets', () => ({ ids: new Int32Array(), offsets: new Int32Array() })],
    ];
    for (const [what, batch] of broken) {
      it(`refuses ${what}, and goes on`, async () => {
        expect(await rejection(() => backend.run(batch(), DENSE))).toMatchObject({ code: 'INVALID_TOKEN_BATCH' });
        expect((await alone(texts[0] ?? new Int32Array())).length).toBe(backend.space.dimension);
      });
    }

    for (const head of HEADS) {
      it(`computes ${head} where the space has it, and refuses it where not`, async () => {
        const batch = tokenBatch(texts);
        if (!backend.space.heads.includes(head)) {
          expect(await rejection(() => backend.run(batch, { heads: [head] }))).toMatchObject({
            code: 'UNSUPPORTED_HEAD',
          });
          return;
        }
        const output = await backend.run(batch, { heads: [head] });
        expect(HEADS.filter((other) => output[other] !== undefined)).toEqual([head]);
        expect(head === 'dense' ? output.dense?.length : output[head]?.length).toBe(
          head === 'dense' ? texts.length * backend.space.dimension : texts.length,
        );
        for (const [i, ids] of texts.entries()) {
          const single = await backend.run(tokenBatch([ids]), { heads: [head] });
          const weights = output.sparse?.[i];
          if (weights !== undefined) {
            const expected = single.sparse?.[0] ?? new Map<number, number>();
            expect([...weights.keys()].every((id) => ids.includes(id))).toBe(true);
            expect([...weights.values()].every((weight) => weight > 0)).toBe(true);
            expect([...weights.keys()].sort()).toEqual([...expected.keys()].sort());
            for (const [id, weight] of weights)
              expect(Math.abs(weight - (expected.get(id) ?? 0)) <= tolerance.maxAbs).toBe(true);
          }
          const matrix = output.colbert?.[i];
          if (matrix !== undefined) checkClose(matrix, single.colbert?.[0] ?? [], tolerance, `tokens of text ${i}`);
        }
      });
    }

    it('computes nothing where no head is asked for', async () => {
      const output = await backend.run(tokenBatch(texts), { heads: [] });
      expect(HEADS.filter((head) => output[head] !== undefined)).toEqual([]);
    });

    // The last one: what is closed stays closed.
    it('refuses calls once it is closed, and closes twice', async () => {
      await backend.close();
      await backend.close();
      expect(await rejection(() => backend.run(tokenBatch(texts), DENSE))).toMatchObject({ code: 'CLOSED' });
    });
  });
}
