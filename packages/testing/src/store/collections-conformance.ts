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
    await store().readRange(name, { after: null, upTo: null }),
    bits(await store().readVectors(name, OLD.fingerprint)),
  ];

  describe('collections', () => {
    it('are empty at first, in their space', async () => {
      const name = await bench.collection();
      expect(await store().collection(name)).toMatchObject({ name, activeSpace: OLD.fingerprint });
      expect(await store().countRows(name)).toBe(0);
      expect(await store().keyRanges(name, 10)).toEqual([{ after: null, upTo: null }]);
      expect(await store().readRange(name, { after: null, upTo: null })).toEqual([]);
      expect(await store().spaces(name)).toEqual([OLD]);
    });

    it('have a name of their own that is no SQL', async () => {
      const name = await bench.collection();
      expect(await rejection(() => store().createCollection(name, NEW))).toMatchObject({
        code: 'COLLECTION_EXISTS',
        collection: name,
      });
      expect((await store().collection(name)).activeSpace).toBe(OLD.fingerprint);
      for (const wrong of ['', 'A', '1a', 'a-b', 'a b', 'a"b', 'a.b', "a'; --", 'a'.repeat(42)])
        expect(await rejection(() => store().createCollection(wrong, OLD))).toMatchObject({
          code: 'INVALID_COLLECTION_NAME',
        });
      await store().createCollection(`a_${bench.freshName()}`.padEnd(41, 'a'), OLD);
    });

    it('are refused by every call where they are not there', async () => {
      const { store: all } = bench.current();
      const name = bench.freshName();
      const query = { space: OLD.fingerprint, dense: vectorOf(OLD, 'x') };
      const calls: readonly (() => Promise<unknown>)[] = [
        () => all.collection(name),
        () => all.countRows(name),
        () => all.keyRanges(name, 1),
        () => all.readRange(name, { after: null, upTo: null }),
        () => all.readRows(name, ['a']),
        () => all.sampleRows(name, 1, 1),
        () => all.upsertRows(name, [embedded({ id: 'a', text: 'a' })]),
        () => all.deleteRows(name, ['a']),
        () => all.search(name, query, 1),
        () => all.searchSpace(name, query, 1),
        () => all.readVectors(name, OLD.fingerprint),
        () => all.coverage(name, OLD.fingerprint),
        () => all.spaces(name),
        () => all.openSpace(name, NEW),
        () => all.closeSpace(name, NEW.fingerprint),
        () => all.writeVectors(name, OLD.fingerprint, []),
        () => all.countPending(name, OLD.fingerprint),
        () => all.readPending(name, OLD.fingerprint, 1),
        () => all.createMigration(name, NEW, 'suite', {}),
      ];
      for (const call of calls)
        expect(await rejection(call)).toMatchObject({ code: 'UNKNOWN_COLLECTION', collection: name });
    });

    it('keep any text, with the hash of its UTF-8', async () => {
      const name = await bench.collection();
      const rows = TEXTS.map((text, i) => ({ id: `${i}`, text }));
      await store().upsertRows(
        name,
        rows.map((row) => embedded(row)),
      );
      const stored = new Map((await store().readRows(name, idsOf(rows))).map((row) => [row.id, row]));
      for (const { id, text } of rows)
        expect(stored.get(id)).toEqual({
          id,
          text: text.replace('\ud800', '\ufffd'),
          contentHash: await contentHash(text),
        });
    });

    it('replace rows, and give those that are asked for', async () => {
      const name = await bench.collection();
      await store().upsertRows(name, [embedded({ id: 'a', text: 'first' }), embedded({ id: 'b', text: 'kept' })]);
      await store().upsertRows(name, [embedded({ id: 'a', text: 'second' }, OLD, 'q4')]);
      expect(await store().countRows(name)).toBe(2);
      expect(await store().readRows(name, ['a', 'gone', 'a', 'nul\0', '\ud800'])).toEqual([
        { id: 'a', text: 'second', contentHash: await contentHash('second') },
      ]);
      expect(bits(await store().readVectors(name, OLD.fingerprint, ['a', 'gone', 'nul\0']))).toEqual(
        bits([
          {
            id: 'a',
            contentHash: await contentHash('second'),
            dense: vectorOf(OLD, 'second'),
            variant: 'q4',
            truncated: false,
            space: OLD.fingerprint,
          },
        ]),
      );
      await store().upsertRows(name, []);
      expect(await store().countPending(name, OLD.fingerprint)).toBe(0);
    });

    it('give ranges in byte order of the id', async () => {
      const name = await bench.collection();
      await store().upsertRows(
        name,
        rowsNamed(...IDS.toReversed()).map((row) => embedded(row)),
      );
      const read = async (after: string | null, upTo: string | null): Promise<readonly string[]> =>
        idsOf(await store().readRange(name, { after, upTo }));
      expect(await read(null, null)).toEqual(IDS);
      expect(idsOf(await store().readVectors(name, OLD.fingerprint))).toEqual(IDS);
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
      await store().upsertRows(
        name,
        Array.from({ length: count }, (_, i) => embedded({ id: `k${(i * 7) % count}`, text: `${i}` })),
      );
      const all = idsOf(await store().readRange(name, { after: null, upTo: null }));
      const cuts = await Promise.all(
        [1, 5, 22, 23, 24, 1_000].map(async (size) => ({ size, ranges: await store().keyRanges(name, size) })),
      );
      for (const { size, ranges } of cuts) {
        expect(ranges.length).toBe(Math.ceil(count / size));
        expect([ranges[0]?.after, ranges.at(-1)?.upTo]).toEqual([null, null]);
        const parts = await Promise.all(ranges.map((range) => store().readRange(name, range)));
        expect(parts.every((part) => part.length <= size)).toBe(true);
        expect(parts.flatMap(idsOf)).toEqual(all);
      }
      await store().upsertRows(
        name,
        rowsNamed('0', 'k', 'k110', 'zz').map((row) => embedded(row)),
      );
      for (const { ranges } of cuts) {
        const parts = await Promise.all(ranges.map((range) => store().readRange(name, range)));
        expect(parts.flatMap(idsOf)).toEqual(idsOf(await store().readRange(name, { after: null, upTo: null })));
      }
    });

    it('change whole or not at all', async () => {
      const name = await bench.collection();
      await store().upsertRows(name, [embedded({ id: 'a', text: 'first' })]);
      const before = await contents(name);
      const good = embedded({ id: 'a', text: 'second' });
      const dense = (values: readonly number[]): EmbeddedRow => ({
        id: 'b',
        text: 'b',
        embedding: { dense: Float32Array.from(values), space: OLD.fingerprint, variant: 'fp32', truncated: false },
      });
      const bad: readonly (readonly [EmbeddedRow, string])[] = [
        [embedded({ id: 'b', text: 'b' }, NEW), 'SPACE_MISMATCH'],
        [dense([1, 2, 3]), 'DIMENSION_MISMATCH'],
        [
          { id: 'b', text: 'b', embedding: { space: OLD.fingerprint, variant: 'fp32', truncated: false } },
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
        expect(await rejection(() => store().upsertRows(name, [good, row]))).toMatchObject({ code });
      expect(await contents(name)).toEqual(before);
      expect(await store().countPending(name, OLD.fingerprint)).toBe(0);
      const longest = 'é'.repeat(512);
      await store().upsertRows(name, [good, embedded({ id: longest, text: 'b' })]);
      expect(idsOf(await store().readRows(name, [longest]))).toEqual([longest]);
    });

    it('lose rows with all their vectors', async () => {
      const name = await bench.collection();
      await store().upsertRows(
        name,
        rowsNamed('a', 'b', 'c').map((row) => embedded(row)),
      );
      await store().openSpace(name, NEW);
      expect(await store().deleteRows(name, ['a', 'c', 'a', 'gone', 'nul\0'])).toBe(2);
      expect(await store().deleteRows(name, ['a'])).toBe(0);
      expect(idsOf(await store().readVectors(name, OLD.fingerprint))).toEqual(['b']);
      expect(await store().coverage(name, OLD.fingerprint)).toEqual({
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
      await store().upsertRows(
        name,
        rowsNamed(...ids).map((row) => embedded(row)),
      );
      const sample = async (count: number, seed: number): Promise<readonly string[]> =>
        [...idsOf(await store().sampleRows(name, count, seed))].sort();
      const first = await sample(10, 1);
      expect(new Set(first).size).toBe(10);
      expect(await sample(10, 1)).toEqual(first);
      expect(JSON.stringify(await sample(10, 2)) === JSON.stringify(first)).toBe(false);
      expect(await sample(1_000, 3)).toEqual([...ids].sort());
    });
  });
}
