import { cosine, type EmbeddedRow, type NewVector, type Vector } from '@kimera/core';
import { rejection, type TestFunctions } from '../test-functions.js';
import {
  type Bench,
  bits,
  embedded,
  filled,
  idsOf,
  NEW,
  newVector,
  OLD,
  OTHER,
  rowsNamed,
  vectorOf,
  vectorsOf,
} from './store-under-test.js';

/** Scores may be computed in float32. */
const SCORE_TOLERANCE = 1e-5;
/** Least and greatest of float32 with its neighbours, signed zeros, what has no short decimal form. */
const UNUSUAL: readonly (readonly [number, number, number])[] = [
  [-0, 0, 1],
  [1.401298464324817e-45, -1.1754942106924411e-38, 1],
  [1.1754943508222875e-38, 3.4028234663852886e38, -3.4028234663852886e38],
  [0.1, 1 / 3, -2.7182817459106445],
  [16_777_217, 1.0000001192092896, 0.9999999403953552],
];

export function vectorsConformance({ describe, it, expect }: TestFunctions, bench: Bench): void {
  const store = () => bench.current().store;

  describe('vectors', () => {
    it('come back bit by bit', async () => {
      const name = await filled(bench, ...UNUSUAL.map((_, i) => `${i}`));
      await store().vectors.openSpace(name, NEW);
      const rows = await store().collections.readRange(name, { after: null, upTo: null });
      const vectors = rows.map(({ id, contentHash }, i): NewVector => ({
        id,
        contentHash,
        dense: Float32Array.from(UNUSUAL[i] ?? []),
        variant: 'fp16',
        tokenizerRevision: 1,
        truncated: false,
      }));
      expect(await store().vectors.writeVectors(name, NEW.fingerprint, vectors)).toEqual({
        written: UNUSUAL.length,
        outdated: 0,
      });
      expect(bits(await store().vectors.readVectors(name, NEW.fingerprint))).toEqual(
        bits(vectors.map((vector) => ({ ...vector, space: NEW.fingerprint }))),
      );
    });

    it('of the beginning of a text say so, and are counted', async () => {
      const name = await bench.collection();
      const whole = embedded({ id: 'whole', text: 'short' });
      const cut = embedded({ id: 'cut', text: 'longer than the limit' });
      await store().collections.upsertRows(name, [whole, { ...cut, embedding: { ...cut.embedding, truncated: true } }]);
      expect(
        (await store().vectors.readVectors(name, OLD.fingerprint)).map(({ id, truncated }) => [id, truncated]),
      ).toEqual([
        ['cut', true],
        ['whole', false],
      ]);
      expect(await store().vectors.coverage(name, OLD.fingerprint)).toMatchObject({ current: 2, truncated: 1 });
      await store().vectors.openSpace(name, NEW);
      const vectors = vectorsOf(NEW, await store().collections.readRange(name, { after: null, upTo: null }));
      await store().vectors.writeVectors(
        name,
        NEW.fingerprint,
        vectors.map((vector) => ({ ...vector, truncated: vector.id === 'whole' })),
      );
      expect(
        (await store().vectors.readVectors(name, NEW.fingerprint)).map(({ id, truncated }) => [id, truncated]),
      ).toEqual([
        ['cut', false],
        ['whole', true],
      ]);
      await store().vectors.writeVectors(name, NEW.fingerprint, vectors);
      expect(await store().vectors.coverage(name, NEW.fingerprint)).toMatchObject({ current: 2, truncated: 0 });
    });

    it('keep the tokenizer revision that each was written with', async () => {
      const name = await bench.collection();
      const [a, b] = rowsNamed('a', 'b').map((row) => embedded(row));
      if (a === undefined || b === undefined) throw new Error('two rows were made');
      const of = (row: EmbeddedRow, tokenizerRevision: number): EmbeddedRow => ({
        ...row,
        embedding: { ...row.embedding, tokenizerRevision },
      });
      const revisions = async (space: string): Promise<readonly unknown[]> =>
        (await store().vectors.readVectors(name, space)).map(({ id, tokenizerRevision }) => [id, tokenizerRevision]);
      await store().collections.upsertRows(name, [a, of(b, 2)]);
      expect(await revisions(OLD.fingerprint)).toEqual([
        ['a', 1],
        ['b', 2],
      ]);
      await store().collections.upsertRows(name, [of(a, 3)]);
      expect(await revisions(OLD.fingerprint)).toEqual([
        ['a', 3],
        ['b', 2],
      ]);
      await store().vectors.openSpace(name, NEW);
      const vectors = vectorsOf(NEW, await store().collections.readRange(name, { after: null, upTo: null }));
      const write = (tokenizerRevision: number, ids: readonly string[]): Promise<unknown> =>
        store().vectors.writeVectors(
          name,
          NEW.fingerprint,
          vectors.filter(({ id }) => ids.includes(id)).map((vector) => ({ ...vector, tokenizerRevision })),
        );
      await write(32_767, ['a', 'b']);
      await write(2, ['b']);
      expect(await revisions(NEW.fingerprint)).toEqual([
        ['a', 32_767],
        ['b', 2],
      ]);
      expect(await revisions(OLD.fingerprint)).toEqual([
        ['a', 3],
        ['b', 2],
      ]);
    });

    it('are found nearest first, ties in byte order of the id, as a look at each would find them', async () => {
      const name = await bench.collection();
      const dense = (i: number): Vector => vectorOf(OLD, `vector ${i}`);
      // Every vector twice: the pairs tie.
      const rows = Array.from({ length: 60 }, (_, i) => ({
        id: `${i % 2 === 0 ? 'é' : 'z'}${i}`,
        dense: dense(i >> 1),
      }));
      await store().collections.upsertRows(
        name,
        rows.map(({ id, dense: vector }) => ({
          id,
          text: id,
          embedding: { dense: vector, space: OLD.fingerprint, variant: 'fp32', tokenizerRevision: 1, truncated: false },
        })),
      );
      for (const query of [1_000, 1_001, 1_002].map(dense)) {
        const expected = rows
          .map(({ id, dense: vector }) => ({ id, score: cosine(query, vector) }))
          .sort((a, b) => b.score - a.score || Buffer.compare(Buffer.from(a.id), Buffer.from(b.id)));
        const hits = await store().vectors.searchSpace(name, { space: OLD.fingerprint, dense: query }, 7);
        expect(idsOf(hits)).toEqual(idsOf(expected.slice(0, 7)));
        expect(hits.every(({ score }, i) => Math.abs(score - (expected[i]?.score ?? 2)) < SCORE_TOLERANCE)).toBe(true);
        expect((await store().vectors.searchSpace(name, { space: OLD.fingerprint, dense: query }, 1_000)).length).toBe(
          60,
        );
      }
    });

    it('are never compared with those of another space', async () => {
      const name = await filled(bench, 'a');
      await store().vectors.openSpace(name, NEW);
      const [row] = await store().collections.readRows(name, ['a']);
      await store().vectors.writeVectors(name, NEW.fingerprint, vectorsOf(NEW, row === undefined ? [] : [row]));
      const inNew = { space: NEW.fingerprint, dense: vectorOf(NEW, 'x') };
      expect(idsOf(await store().vectors.searchSpace(name, inNew, 1))).toEqual(['a']);
      const inOld = (dense: Vector) => () => store().vectors.searchSpace(name, { space: OLD.fingerprint, dense }, 1);
      expect(await rejection(inOld(vectorOf(NEW, 'x')))).toMatchObject({
        ...{ code: 'DIMENSION_MISMATCH', expected: 4, actual: 3 },
      });
      expect(await rejection(inOld(new Float32Array(4)))).toMatchObject({ code: 'ZERO_VECTOR' });
    });

    it('are refused in a space that the collection does not have', async () => {
      const name = await filled(bench, 'a');
      const { fingerprint } = OTHER;
      const calls = [
        () => store().vectors.searchSpace(name, { space: fingerprint, dense: vectorOf(OTHER, 'x') }, 1),
        () => store().vectors.readVectors(name, fingerprint),
        () => store().vectors.coverage(name, fingerprint),
        () => store().vectors.writeVectors(name, fingerprint, []),
        () => store().changes.countPending(name, fingerprint),
        () => store().changes.readPending(name, fingerprint, 1),
      ];
      for (const call of calls)
        expect(await rejection(call)).toMatchObject({ code: 'UNKNOWN_SPACE', space: fingerprint });
    });

    it('are missing in a space that was opened, until they are written where the text is still the same', async () => {
      const name = await filled(bench, 'a', 'b', 'c');
      await store().vectors.openSpace(name, NEW);
      await store().vectors.openSpace(name, { ...NEW, modelId: 'another name' });
      expect(await store().vectors.spaces(name)).toEqual([OLD, NEW]);
      expect(await store().vectors.coverage(name, NEW.fingerprint)).toEqual({
        rows: 3,
        current: 0,
        missing: 3,
        stale: 0,
        orphans: 0,
        malformed: 0,
        truncated: 0,
        pending: 0,
      });
      const rows = await store().collections.readRows(name, ['a', 'b', 'c']);
      await bench.current().application.write(name, [{ id: 'b', text: 'edited' }]);
      await bench.current().application.delete(name, ['c']);
      expect(
        await store().vectors.writeVectors(name, NEW.fingerprint, [
          ...vectorsOf(NEW, rows),
          await newVector(NEW, { id: 'never there', text: 'x' }),
        ]),
      ).toEqual({ written: 1, outdated: 3 });
      expect(bits(await store().vectors.readVectors(name, NEW.fingerprint))).toEqual(
        bits(
          vectorsOf(
            NEW,
            rows.filter(({ id }) => id === 'a'),
          ).map((vector) => ({ ...vector, space: NEW.fingerprint })),
        ),
      );
      expect(await store().vectors.coverage(name, NEW.fingerprint)).toEqual({
        rows: 2,
        current: 1,
        missing: 1,
        stale: 0,
        orphans: 0,
        malformed: 0,
        truncated: 0,
        pending: 1,
      });
      await store().vectors.openSpace(name, NEW);
      expect(idsOf(await store().vectors.readVectors(name, NEW.fingerprint))).toEqual(['a']);
    });

    it('go with their space, but for the active one', async () => {
      const name = await filled(bench, 'a', 'b');
      const old = bits(await store().vectors.readVectors(name, OLD.fingerprint));
      await store().vectors.openSpace(name, NEW);
      await store().vectors.writeVectors(
        name,
        NEW.fingerprint,
        vectorsOf(NEW, await store().collections.readRows(name, ['a'])),
      );
      expect(await rejection(() => store().vectors.closeSpace(name, OLD.fingerprint))).toMatchObject({
        code: 'ACTIVE_SPACE',
      });
      await store().vectors.closeSpace(name, NEW.fingerprint);
      await store().vectors.closeSpace(name, NEW.fingerprint);
      expect(await store().vectors.spaces(name)).toEqual([OLD]);
      expect(bits(await store().vectors.readVectors(name, OLD.fingerprint))).toEqual(old);
      await bench.current().application.write(name, [{ id: 'a', text: 'edited' }]);
      await store().vectors.openSpace(name, NEW);
      expect(await store().vectors.coverage(name, NEW.fingerprint)).toEqual({
        rows: 2,
        current: 0,
        missing: 2,
        stale: 0,
        orphans: 0,
        malformed: 0,
        truncated: 0,
        pending: 0,
      });
    });

    it('are written whole or not at all', async () => {
      const name = await filled(bench, 'a', 'b');
      await store().vectors.openSpace(name, NEW);
      const [good, other] = vectorsOf(NEW, await store().collections.readRange(name, { after: null, upTo: null }));
      if (good === undefined || other === undefined) throw new Error('two rows were written');
      const bad: readonly (readonly [NewVector, string])[] = [
        [{ ...other, dense: vectorOf(OLD, 'x') }, 'DIMENSION_MISMATCH'],
        [{ ...other, dense: new Float32Array(3) }, 'ZERO_VECTOR'],
        [{ ...other, dense: Float32Array.from([1, Number.NaN, 1]) }, 'ZERO_VECTOR'],
        [good, 'INVALID_ROW'],
      ];
      for (const [vector, code] of bad)
        expect(
          await rejection(() => store().vectors.writeVectors(name, NEW.fingerprint, [good, vector])),
        ).toMatchObject({
          code,
        });
      expect(await store().vectors.readVectors(name, NEW.fingerprint)).toEqual([]);
      expect(await store().vectors.writeVectors(name, NEW.fingerprint, [])).toEqual({ written: 0, outdated: 0 });
    });

    it('of other rows and of unchanged text are not touched by a write', async () => {
      const name = await filled(bench, 'a', 'b');
      await store().vectors.openSpace(name, NEW);
      await store().vectors.writeVectors(
        name,
        NEW.fingerprint,
        vectorsOf(NEW, await store().collections.readRows(name, ['a', 'b'])),
      );
      const before = bits(await store().vectors.readVectors(name, NEW.fingerprint));
      await store().collections.upsertRows(
        name,
        rowsNamed('a', 'b').map((row) => embedded(row)),
      );
      await bench.current().application.write(name, rowsNamed('a'));
      expect(bits(await store().vectors.readVectors(name, NEW.fingerprint))).toEqual(before);
      expect(await store().changes.countPending(name, NEW.fingerprint)).toBe(0);
      expect((await store().vectors.coverage(name, OLD.fingerprint)).current).toBe(2);
    });

    it('have an estimate of their room that grows with rows and dimension', async () => {
      const { capacity } = store();
      const estimate = (rows: number, dimension: number): number => capacity.estimateBytes(rows, dimension);
      expect(estimate(0, 384)).toBe(0);
      expect(estimate(1_000, 384) > 1_000 * 384 * 4).toBe(true);
      expect(estimate(1_000, 1_024) > estimate(1_000, 384)).toBe(true);
      const free = await store().capacity.freeBytes();
      expect(free === undefined || free > 0).toBe(true);
    });
  });
}
