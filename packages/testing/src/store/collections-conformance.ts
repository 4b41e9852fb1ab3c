import { contentHash, type EmbeddedRow } from '@kimera/core';
import { rejection, type TestFunctions } from '../test-functions.js';
import { type Bench, bits, embedded, idsOf, NEW, OLD, rowsNamed, vectorOf } from './store-under-test.js';

/** In byte order of UTF-8, which is neither that of UTF-16 nor that of any language. */
const IDS = ['10', '9', 'B', 'Z', 'a', 'a b', "a'b", 'a"b', 'b', 'z', 'é', '\ufb01', '\uffee', '😀'].sort((a, b) =>
  Buffer.compare(Buffer.from(a), Buffer.from(b)),
);
const TEXTS = [
  '',
  ' ',
  'x',
  'two\nlines',
  'quote \' and " and \\',
  'Zürich 😀 한국어',
  'lone \ud800 surrogate',
  '\u0001\u007f\ufffe',
  'long '.repeat(5_000),
];

export function collectionsConformance({ describe, it, expect }: TestFunctions, bench: Bench): void {
  const store = () => bench.current().store;
  const contents = async (name: string): Promise<unknown> => [
    await store().collections.readRange(name, { after: null, upTo: null }),
    bits(await store().vectors.readVectors(name, OLD.fingerprint)),
  ];

  describe('collections', () => {
    it('are empty at first, in their space', async () => {
      const name = await bench.collection();
      expect(await store().collections.collection(name)).toMatchObject({ name, activeSpace: OLD.fingerprint });
      expect(await store().collections.countRows(name)).toBe(0);
      expect(await store().collections.keyRanges(name, 10)).toEqual([{ after: null, upTo: null }]);
      expect(await store().collections.readRange(name, { after: null, upTo: null })).toEqual([]);
      expect(await store().vectors.spaces(name)).toEqual([OLD]);
    });

    it('have a name of their own that is no SQL', async () => {
      const name = await bench.collection();
      expect(await rejection(() => store().collections.createCollection(name, NEW))).toMatchObject({
        code: 'COLLECTION_EXISTS',
        collection: name,
      });
      expect((await store().collections.collection(name)).activeSpace).toBe(OLD.fingerprint);
      for (const wrong of ['', 'A', '1a', 'a-b', 'a b', 'a"b', 'a.b', "a'; --", 'a'.repeat(42)])
        expect(await rejection(() => store().collections.createCollection(wrong, OLD))).toMatchObject({
          code: 'INVALID_COLLECTION_NAME',
        });
      await store().collections.createCollection(`a_${bench.freshName()}`.padEnd(41, 'a'), OLD);
    });

    it('are refused by every call where they are not there', async () => {
      const { store: all } = bench.current();
      const name = bench.freshName();
      const query = { space: OLD.fingerprint, dense: vectorOf(OLD, 'x') };
      const calls: readonly (() => Promise<unknown>)[] = [
        () => all.collections.collection(name),
        () => all.collections.countRows(name),
        () => all.collections.keyRanges(name, 1),
        () => all.collections.readRange(name, { after: null, upTo: null }),
        () => all.collections.readRows(name, ['a']),
        () => all.collections.sampleRows(name, 1, 1),
        () => all.collections.upsertRows(name, [embedded({ id: 'a', text: 'a' })]),
        () => all.collections.deleteRows(name, ['a']),
        () => all.search.search(name, query, { limit: 1 }),
        () => all.upkeep.faults(name),
        () => all.upkeep.reconcile(name),
        () => all.vectors.searchSpace(name, query, 1),
        () => all.vectors.readVectors(name, OLD.fingerprint),
        () => all.vectors.coverage(name, OLD.fingerprint),
        () => all.vectors.spaces(name),
        () => all.vectors.openSpace(name, NEW),
        () => all.vectors.closeSpace(name, NEW.fingerprint),
        () => all.vectors.writeVectors(name, OLD.fingerprint, []),
        () => all.changes.countPending(name, OLD.fingerprint),
        () => all.changes.readPending(name, OLD.fingerprint, 1),
        () => all.migrations.createMigration(name, NEW, 'suite', {}),
      ];
      for (const call of calls)
        expect(await rejection(call)).toMatchObject({ code: 'UNKNOWN_COLLECTION', collection: name });
    });

    it('keep any text, with the hash of its UTF-8', async () => {
      const name = await bench.collection();
      const rows = TEXTS.map((text, i) => ({ id: `${i}`, text }));
      await store().collections.upsertRows(
        name,
        rows.map((row) => embedded(row)),
      );
      const stored = new Map((await store().collections.readRows(name, idsOf(rows))).map((row) => [row.id, row]));
      for (const { id, text } of rows)
        expect(stored.get(id)).toEqual({
          id,
          text: text.replace('\ud800', '\ufffd'),
          contentHash: await contentHash(text),
        });
    });

    it('replace rows, and give those that are asked for', async () => {
      const name = await bench.collection();
      await store().collections.upsertRows(name, [
        embedded({ id: 'a', text: 'first' }),
        embedded({ id: 'b', text: 'kept' }),
      ]);
      await store().collections.upsertRows(name, [embedded({ id: 'a', text: 'second' }, OLD, 'q4')]);
      expect(await store().collections.countRows(name)).toBe(2);
      expect(await store().collections.readRows(name, ['a', 'gone', 'a', 'nul\0', '\ud800'])).toEqual([
        { id: 'a', text: 'second', contentHash: await contentHash('second') },
      ]);
      expect(bits(await store().vectors.readVectors(name, OLD.fingerprint, ['a', 'gone', 'nul\0']))).toEqual(
        bits([
          {
            id: 'a',
            contentHash: await contentHash('second'),
            dense: vectorOf(OLD, 'second'),
            variant: 'q4',
            tokenizerRevision: 1,
            truncated: false,
            space: OLD.fingerprint,
          },
        ]),
      );
      await store().collections.upsertRows(name, []);
      expect(await store().changes.countPending(name, OLD.fingerprint)).toBe(0);
    });

    it('give ranges in byte order of the id', async () => {
      const name = await bench.collection();
      await store().collections.upsertRows(
        name,
        rowsNamed(...IDS.toReversed()).map((row) => embedded(row)),
      );
      const read = async (after: string | null, upTo: string | null): Promise<readonly string[]> =>
        idsOf(await store().collections.readRange(name, { after, upTo }));
      expect(await read(null, null)).toEqual(IDS);
      expect(idsOf(await store().vectors.readVectors(name, OLD.fingerprint))).toEqual(IDS);
      for (const [i, id] of IDS.entries()) {
        expect(await read(null, id)).toEqual(IDS.slice(0, i + 1));
        expect(await read(id, null)).toEqual(IDS.slice(i + 1));
        expect(await read(id, IDS[i + 2] ?? null)).toEqual(
          IDS.slice(i + 1, IDS[i + 2] === undefined ? undefined : i + 3),
        );
      }
    });

    it('are cut into ranges that hold every row once, and rows that come later', async () => {
      const name = await bench.collection();
      const count = 23;
      await store().collections.upsertRows(
        name,
        Array.from({ length: count }, (_, i) => embedded({ id: `k${(i * 7) % count}`, text: `${i}` })),
      );
      const all = idsOf(await store().collections.readRange(name, { after: null, upTo: null }));
      const cuts = await Promise.all(
        [1, 5, 22, 23, 24, 1_000].map(async (size) => ({
          size,
          ranges: await store().collections.keyRanges(name, size),
        })),
      );
      for (const { size, ranges } of cuts) {
        expect(ranges.length).toBe(Math.ceil(count / size));
        expect([ranges[0]?.after, ranges.at(-1)?.upTo]).toEqual([null, null]);
        const parts = await Promise.all(ranges.map((range) => store().collections.readRange(name, range)));
        expect(parts.every((part) => part.length <= size)).toBe(true);
        expect(parts.flatMap(idsOf)).toEqual(all);
      }
      await store().collections.upsertRows(
        name,
        rowsNamed('0', 'k', 'k110', 'zz').map((row) => embedded(row)),
      );
      for (const { ranges } of cuts) {
        const parts = await Promise.all(ranges.map((range) => store().collections.readRange(name, range)));
        expect(parts.flatMap(idsOf)).toEqual(
          idsOf(await store().collections.readRange(name, { after: null, upTo: null })),
        );
      }
    });

    it('change whole or not at all', async () => {
      const name = await bench.collection();
      await store().collections.upsertRows(name, [embedded({ id: 'a', text: 'first' })]);
      const before = await contents(name);
      const good = embedded({ id: 'a', text: 'second' });
      const dense = (values: readonly number[]): EmbeddedRow => ({
        id: 'b',
        text: 'b',
        embedding: {
          dense: Float32Array.from(values),
          space: OLD.fingerprint,
          variant: 'fp32',
          tokenizerRevision: 1,
          truncated: false,
        },
      });
      const bad: readonly (readonly [EmbeddedRow, string])[] = [
        [embedded({ id: 'b', text: 'b' }, NEW), 'SPACE_MISMATCH'],
        [dense([1, 2, 3]), 'DIMENSION_MISMATCH'],
        [
          {
            id: 'b',
            text: 'b',
            embedding: { space: OLD.fingerprint, variant: 'fp32', tokenizerRevision: 1, truncated: false },
          },
          'DIMENSION_MISMATCH',
        ],
        [dense([0, 0, 0, 0]), 'ZERO_VECTOR'],
        [dense([1, Number.NaN, 0, 0]), 'ZERO_VECTOR'],
        [dense([1, Infinity, 0, 0]), 'ZERO_VECTOR'],
        [embedded({ id: 'b', text: 'a\0b' }), 'INVALID_ROW'],
        [embedded({ id: 'a\0b', text: 'b' }), 'INVALID_ROW'],
        [embedded({ id: 'a', text: 'third' }), 'INVALID_ROW'],
        [embedded({ id: '', text: 'b' }), 'INVALID_ROW'],
        [embedded({ id: '\udc00', text: 'b' }), 'INVALID_ROW'],
        [embedded({ id: 'é'.repeat(513), text: 'b' }), 'INVALID_ROW'],
      ];
      for (const [row, code] of bad)
        expect(await rejection(() => store().collections.upsertRows(name, [good, row]))).toMatchObject({ code });
      expect(await contents(name)).toEqual(before);
      expect(await store().changes.countPending(name, OLD.fingerprint)).toBe(0);
      const longest = 'é'.repeat(512);
      await store().collections.upsertRows(name, [good, embedded({ id: longest, text: 'b' })]);
      expect(idsOf(await store().collections.readRows(name, [longest]))).toEqual([longest]);
    });

    it('lose rows with all their vectors', async () => {
      const name = await bench.collection();
      await store().collections.upsertRows(
        name,
        rowsNamed('a', 'b', 'c').map((row) => embedded(row)),
      );
      await store().vectors.openSpace(name, NEW);
      expect(await store().collections.deleteRows(name, ['a', 'c', 'a', 'gone', 'nul\0'])).toBe(2);
      expect(await store().collections.deleteRows(name, ['a'])).toBe(0);
      expect(idsOf(await store().vectors.readVectors(name, OLD.fingerprint))).toEqual(['b']);
      expect(await store().vectors.coverage(name, OLD.fingerprint)).toEqual({
        rows: 1,
        current: 1,
        missing: 0,
        stale: 0,
        orphans: 0,
        malformed: 0,
        truncated: 0,
        pending: 0,
      });
    });

    it('give the same sample for the same seed', async () => {
      const name = await bench.collection();
      const ids = Array.from({ length: 40 }, (_, i) => `r${i}`);
      await store().collections.upsertRows(
        name,
        rowsNamed(...ids).map((row) => embedded(row)),
      );
      const sample = async (count: number, seed: number): Promise<readonly string[]> =>
        [...idsOf(await store().collections.sampleRows(name, count, seed))].sort();
      const first = await sample(10, 1);
      expect(new Set(first).size).toBe(10);
      expect(await sample(10, 1)).toEqual(first);
      expect(JSON.stringify(await sample(10, 2)) === JSON.stringify(first)).toBe(false);
      expect(await sample(1_000, 3)).toEqual([...ids].sort());
    });
  });
}
