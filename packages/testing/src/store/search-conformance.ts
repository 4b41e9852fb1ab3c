import { cosine, deriveSpace, type EmbeddedRow, type Vector } from '@kimera/core';
import { rejection, type TestFunctions } from '../test-functions.js';
import {
  type Bench,
  embedded,
  filled,
  idsOf,
  migrationWith,
  NEW,
  OLD,
  OTHER,
  rowsNamed,
  vectorOf,
  vectorsOf,
} from './store-under-test.js';

/** Scores may be computed in float32. */
const SCORE_TOLERANCE = 1e-5;

export function searchConformance({ describe, it, expect }: TestFunctions, bench: Bench): void {
  const store = () => bench.current().store;
  const query = (space = OLD, text = 'query') => ({ space: space.fingerprint, dense: vectorOf(space, text) });

  describe('search', () => {
    it('finds the nearest rows, best first, ties in the order of the id, as a look at each would', async () => {
      const name = await bench.collection();
      const dense = (i: number): Vector => vectorOf(OLD, `vector ${i}`);
      // Every vector twice: the pairs tie.
      const rows = Array.from({ length: 60 }, (_, i) => ({
        id: `${i % 2 === 0 ? 'é' : 'z'}${i}`,
        dense: dense(i >> 1),
      }));
      await store().collections.upsertRows(
        name,
        rows.map(({ id, dense: vector }): EmbeddedRow => {
          const row = embedded({ id, text: id });
          return { ...row, embedding: { ...row.embedding, dense: vector } };
        }),
      );
      for (const vector of [1_000, 1_001, 1_002].map(dense)) {
        const expected = rows
          .map(({ id, dense: other }) => ({ id, score: cosine(vector, other) }))
          .sort((a, b) => b.score - a.score || Buffer.compare(Buffer.from(a.id), Buffer.from(b.id)));
        for (const limit of [1, 7, 60, 1_000]) {
          const { hits, scan } = await store().search.search(
            name,
            { space: OLD.fingerprint, dense: vector },
            { limit, scan: 'exact' },
          );
          expect(scan).toBe('exact');
          expect(idsOf(hits)).toEqual(idsOf(expected.slice(0, limit)));
          expect(hits.every(({ score }, i) => Math.abs(score - (expected[i]?.score ?? 2)) < SCORE_TOLERANCE)).toBe(
            true,
          );
        }
      }
    });

    it('keeps a derived space apart from its parent, with as many numbers too, and knows it again', async () => {
      for (const derivation of [{ normalize: false }, { dimensions: 2 }] as const) {
        const derived = await deriveSpace({ ...OLD, trainedDimensions: [2] }, derivation);
        const name = bench.freshName();
        await store().collections.createCollection(name, derived);
        await store().collections.upsertRows(name, [embedded({ id: 'a', text: 'a' }, derived)]);
        expect(await store().vectors.spaces(name)).toEqual([derived]);
        expect(idsOf((await store().search.search(name, query(derived), { limit: 1 })).hits)).toEqual(['a']);
        const refusals = [
          () => store().search.search(name, query(OLD), { limit: 1 }),
          () => store().collections.upsertRows(name, [embedded({ id: 'b', text: 'b' }, OLD)]),
        ];
        for (const refused of refusals)
          expect(await rejection(refused)).toMatchObject({
            code: 'SPACE_MISMATCH',
            expected: derived.fingerprint,
            actual: OLD.fingerprint,
          });
      }
    });

    it('finds nothing in an empty collection', async () => {
      const name = await bench.collection();
      expect((await store().search.search(name, query(), { limit: 5 })).hits).toEqual([]);
    });

    it('gives text and columns where they are asked for, and no column that is not there', async () => {
      const name = await filled(bench, 'a', 'b');
      const { hits } = await store().search.search(name, query(OLD, 'text of a'), {
        limit: 1,
        text: 'with',
        columns: ['id', 'text'],
      });
      expect({ hits }).toMatchObject({
        hits: [{ id: 'a', text: 'text of a', stale: false, columns: { id: 'a', text: 'text of a' } }],
      });
      const [bare] = (await store().search.search(name, query(), { limit: 1 })).hits;
      expect(Object.keys(bare ?? {}).sort()).toEqual(['id', 'score', 'stale']);
      for (const column of ['nothing', 'a"b'])
        expect(
          await rejection(() => store().search.search(name, query(), { limit: 1, columns: ['id', column] })),
        ).toMatchObject({ code: 'ROW_COLUMN', collection: name, column });
    });

    it('never finds a deleted row, and finds others in its place', async () => {
      const ids = Array.from({ length: 40 }, (_, i) => `r${i}`);
      const name = await filled(bench, ...ids);
      const nearest = idsOf((await store().search.search(name, query(), { limit: 40 })).hits);
      expect(nearest.length).toBe(40);
      await bench.current().application.delete(name, nearest.slice(0, 30));
      expect(idsOf((await store().search.search(name, query(), { limit: 5 })).hits)).toEqual(nearest.slice(30, 35));
      expect(idsOf((await store().search.search(name, query(), { limit: 40 })).hits)).toEqual(nearest.slice(30));
    });

    it('names the active space and the others, as they are now', async () => {
      const { collection, migration } = await migrationWith(bench, rowsNamed('a', 'b'));
      expect((await store().search.names()).includes(collection)).toBe(true);
      expect(await store().search.spaces(collection)).toEqual({ active: OLD, others: [NEW] });
      const rows = await store().collections.readRange(collection, { after: null, upTo: null });
      await store().vectors.writeVectors(collection, NEW.fingerprint, vectorsOf(NEW, rows));
      await store().migrations.switchSpace(
        migration.id,
        'suite',
        {
          expected: ['planned'],
          to: 'cut-over',
          event: 'cut over',
          figures: {},
          from: OLD.fingerprint,
          toSpace: NEW.fingerprint,
          maxPending: 10,
        },
        async (changed) => vectorsOf(NEW, changed),
      );
      expect(await store().search.spaces(collection)).toEqual({ active: NEW, others: [OLD] });
      expect(idsOf((await store().search.search(collection, query(NEW), { limit: 5 })).hits).length).toBe(2);
      expect(await rejection(() => store().search.search(collection, query(), { limit: 5 }))).toMatchObject({
        code: 'SPACE_MISMATCH',
        expected: NEW.fingerprint,
        actual: OLD.fingerprint,
      });
    });

    it('refuses queries of another space, and vectors that are none', async () => {
      const name = await filled(bench, 'a');
      await store().vectors.openSpace(name, NEW);
      for (const space of [NEW, OTHER])
        expect(await rejection(() => store().search.search(name, query(space), { limit: 1 }))).toMatchObject({
          code: 'SPACE_MISMATCH',
          expected: OLD.fingerprint,
          actual: space.fingerprint,
        });
      const inOld = (dense: Vector) => ({ space: OLD.fingerprint, dense });
      expect(await rejection(() => store().search.search(name, inOld(vectorOf(NEW, 'x')), { limit: 1 }))).toMatchObject(
        { code: 'DIMENSION_MISMATCH', expected: 4, actual: 3 },
      );
      for (const dense of [new Float32Array(4), Float32Array.from([1, Number.NaN, 1, 1])])
        expect(await rejection(() => store().search.search(name, inOld(dense), { limit: 1 }))).toMatchObject({
          code: 'ZERO_VECTOR',
        });
    });

    it('refuses a tenant where rows have none, and a collection that is not there', async () => {
      const name = await filled(bench, 'a');
      const calls = (collection: string, tenant?: string) => [
        () => store().search.spaces(collection, tenant),
        () => store().search.search(collection, query(), { limit: 1, tenant }),
      ];
      for (const call of calls(name, 'acme'))
        expect(await rejection(call)).toMatchObject({ code: 'NO_TENANTS', collection: name });
      const missing = bench.freshName();
      for (const call of calls(missing)) {
        const error = await rejection(call);
        expect(error).toMatchObject({ code: 'UNKNOWN_COLLECTION', collection: missing });
        expect((error as { readonly known?: readonly string[] }).known?.includes(name)).toBe(true);
      }
    });
  });
}
