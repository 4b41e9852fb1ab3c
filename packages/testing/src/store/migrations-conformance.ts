import type {
  CountedQuery,
  EmbeddingSpace,
  Migration,
  NewVector,
  SourceRow,
  SpaceSwitch,
  Transition,
} from '@kimera/core';
import { rejection, type TestFunctions } from '../test-functions.js';
import {
  type Bench,
  bits,
  embedded,
  idsOf,
  migrationWith,
  NEW,
  OLD,
  OTHER,
  rowsNamed,
  vectorOf,
  vectorsOf,
} from './store-under-test.js';

const START: Transition = { expected: ['planned'], to: 'backfilling', event: 'start', figures: { rows: 3 } };
const RETIRE: Transition = {
  expected: ['planned', 'backfilling', 'ready', 'cut-over', 'rolled-back'],
  to: 'retired',
  event: 'retire',
  figures: {},
};
const CUTOVER: SpaceSwitch = {
  expected: ['planned'],
  to: 'cut-over',
  event: 'cutover',
  figures: { asked: true },
  from: OLD.fingerprint,
  toSpace: NEW.fingerprint,
  maxPending: 10,
};
const ROLLBACK: SpaceSwitch = {
  expected: ['cut-over'],
  to: 'rolled-back',
  event: 'rollback',
  figures: {},
  from: NEW.fingerprint,
  toSpace: OLD.fingerprint,
  maxPending: 10,
};
const embedIn =
  (space: EmbeddingSpace) =>
  async (rows: readonly SourceRow[]): Promise<readonly NewVector[]> =>
    vectorsOf(space, rows);

export function migrationsConformance({ describe, it, expect }: TestFunctions, bench: Bench): void {
  const store = () => bench.current().store;
  const application = () => bench.current().application;
  /** Rows a, b, c with vectors in both spaces. */
  const ready = async (): Promise<{ readonly collection: string; readonly migration: Migration }> => {
    const made = await migrationWith(bench, rowsNamed('a', 'b', 'c'));
    await store().vectors.writeVectors(
      made.collection,
      NEW.fingerprint,
      vectorsOf(NEW, await store().collections.readRange(made.collection, { after: null, upTo: null })),
    );
    return made;
  };
  /** All that a failed switch must leave as it was. */
  const everything = async ({
    collection,
    migration,
  }: {
    readonly collection: string;
    readonly migration: Migration;
  }): Promise<unknown> => [
    await store().collections.collection(collection),
    await store().migrations.latestMigration(collection),
    await store().migrations.events(migration.id),
    ...(await Promise.all(
      [OLD, NEW].map(async ({ fingerprint }) => [
        bits(await store().vectors.readVectors(collection, fingerprint)),
        idsOf(await store().changes.readPending(collection, fingerprint, 100)),
      ]),
    )),
  ];

  describe('migrations', () => {
    it('begin as planned, one at a time', async () => {
      const name = await bench.collection();
      expect(await rejection(() => store().migrations.latestMigration(name))).toMatchObject({
        code: 'NO_MIGRATION',
        collection: name,
      });
      const migration = await store().migrations.createMigration(name, NEW, 'someone', {
        rows: 0,
        words: ['a', 'b'],
        share: 0.25,
        none: null,
        yes: true,
      });
      expect(migration).toMatchObject({ collection: name, source: OLD, target: NEW, state: 'planned' });
      expect(new Date(migration.created).toISOString()).toBe(migration.created);
      expect(await store().migrations.latestMigration(name)).toEqual(migration);
      expect(await rejection(() => store().migrations.createMigration(name, OTHER, 'someone', {}))).toMatchObject({
        code: 'MIGRATION_UNDER_WAY',
        migration: migration.id,
        state: 'planned',
      });
      const [event] = await store().migrations.events(migration.id);
      expect(event).toMatchObject({
        by: 'someone',
        event: 'plan',
        state: 'planned',
        figures: { rows: 0, words: ['a', 'b'], share: 0.25, none: null, yes: true },
      });
      await store().migrations.transition(migration.id, 'someone', RETIRE);
      const second = await store().migrations.createMigration(name, OTHER, 'someone', {});
      expect(second.id === migration.id).toBe(false);
      expect(await store().migrations.latestMigration(name)).toEqual(second);
    });

    it('of one collection that are created at once are one', async () => {
      const name = await bench.collection();
      const outcomes = await Promise.all(
        [1, 2, 3].map((i) => rejection(() => store().migrations.createMigration(name, NEW, `${i}`, {}))),
      );
      expect(outcomes.filter((outcome) => outcome === undefined).length).toBe(1);
      for (const outcome of outcomes.filter((other) => other !== undefined))
        expect(outcome).toMatchObject({ code: 'MIGRATION_UNDER_WAY' });
    });

    it('change state where the state is the expected one, and log who did it', async () => {
      const { migration } = await ready();
      expect((await store().migrations.transition(migration.id, 'first', START)).state).toBe('backfilling');
      expect(await rejection(() => store().migrations.transition(migration.id, 'second', START))).toMatchObject({
        code: 'MIGRATION_STATE',
        state: 'backfilling',
        expected: ['planned'],
        event: 'start',
      });
      await store().migrations.note(migration.id, 'third', 'verdict', { verdict: 'GO' });
      const events = await store().migrations.events(migration.id);
      expect(events.map(({ by, event, state, figures }) => ({ by, event, state, figures }))).toEqual([
        { by: 'suite', event: 'plan', state: 'planned', figures: {} },
        { by: 'first', event: 'start', state: 'backfilling', figures: { rows: 3 } },
        { by: 'third', event: 'verdict', state: 'backfilling', figures: { verdict: 'GO' } },
      ]);
      expect(events.map(({ at }) => new Date(at).toISOString())).toEqual(events.map(({ at }) => at));
    });

    it('are refused where they are not there', async () => {
      const calls = [
        () => store().migrations.transition('nobody', 'suite', START),
        () => store().migrations.note('nobody', 'suite', 'x', {}),
        () => store().migrations.events('nobody'),
        () => store().migrations.poison('nobody'),
        () => store().migrations.judgedQueries('nobody'),
        () => store().migrations.countQueries('nobody', []),
        () => store().migrations.switchSpace('nobody', 'suite', CUTOVER, embedIn(NEW)),
        () => store().migrations.recordPoison('nobody', NEW.fingerprint, []),
        () => store().migrations.excuse('nobody', 'suite', []),
      ];
      for (const call of calls)
        expect(await rejection(call)).toMatchObject({ code: 'UNKNOWN_MIGRATION', migration: 'nobody' });
    });
  });

  describe('judged queries', () => {
    const judged = (digit: string, score: number): CountedQuery => ({
      hash: digit.repeat(64),
      judgements: 'e'.repeat(64),
      slice: digit === 'a' ? '' : `slice "${digit}"`,
      source: { score, best: 0.1 + score, truncated: false },
      target: { score: 1 - score, best: -0.25, truncated: true },
    });
    const counted = async (migration: string): Promise<readonly string[]> =>
      (await store().migrations.judgedQueries(migration)).map(({ hash, look }) => `${hash.slice(0, 1)} ${look}`);

    it('count once a migration, in the order of the looks and as they were given', async () => {
      const { collection, migration } = await ready();
      expect(await store().migrations.judgedQueries(migration.id)).toEqual([]);
      expect(await store().migrations.countQueries(migration.id, [])).toBe(0);
      expect(await store().migrations.countQueries(migration.id, [judged('c', 1 / 3), judged('a', 0)])).toBe(1);
      expect(await store().migrations.judgedQueries(migration.id)).toEqual([
        { ...judged('c', 1 / 3), look: 1 },
        { ...judged('a', 0), look: 1 },
      ]);
      expect(await store().migrations.countQueries(migration.id, [judged('a', 1)])).toBe(1);
      expect(
        await store().migrations.countQueries(migration.id, [judged('d', 1), judged('c', 1), judged('b', 1)]),
      ).toBe(2);
      expect(await counted(migration.id)).toEqual(['c 1', 'a 1', 'd 2', 'b 2']);
      expect((await store().migrations.judgedQueries(migration.id))[0]?.source.score).toBe(1 / 3);
      await store().migrations.transition(migration.id, 'suite', RETIRE);
      const next = await store().migrations.createMigration(collection, OTHER, 'suite', {});
      expect(await store().migrations.countQueries(next.id, [judged('a', 1)])).toBe(1);
      expect(await counted(next.id)).toEqual(['a 1']);
    });

    it('that are counted at once by two are counted once', async () => {
      const { migration } = await ready();
      const looks = await Promise.all(
        ['a', 'b'].map((digit) => store().migrations.countQueries(migration.id, [judged('c', 0), judged(digit, 1)])),
      );
      expect([...looks].sort()).toEqual([1, 2]);
      expect((await counted(migration.id)).map((line) => line.slice(0, 1)).sort()).toEqual(['a', 'b', 'c']);
    });
  });

  describe('a switch of spaces', () => {
    it('embeds what is pending, moves the pointer and the state, and back exactly', async () => {
      const { collection, migration } = await ready();
      const before = bits(await store().vectors.readVectors(collection, OLD.fingerprint));
      await application().write(collection, [
        { id: 'b', text: 'edited' },
        { id: 'new', text: 'inserted' },
      ]);
      const asked: string[] = [];
      const result = await store().migrations.switchSpace(migration.id, 'suite', CUTOVER, async (rows) => {
        asked.push(...idsOf(rows));
        return vectorsOf(NEW, rows);
      });
      expect(result.caughtUp).toBe(2);
      expect(result.blockedMilliseconds >= 0).toBe(true);
      expect([...asked].sort()).toEqual(['b', 'new']);
      expect((await store().collections.collection(collection)).activeSpace).toBe(NEW.fingerprint);
      expect(await store().migrations.latestMigration(collection)).toMatchObject({ state: 'cut-over' });
      expect((await store().migrations.events(migration.id)).at(-1)).toMatchObject({
        by: 'suite',
        event: 'cutover',
        state: 'cut-over',
        figures: { asked: true },
      });
      expect((await store().vectors.coverage(collection, NEW.fingerprint)).current).toBe(4);
      expect(
        (
          await store().search.search(
            collection,
            { space: NEW.fingerprint, dense: vectorOf(NEW, 'edited') },
            { limit: 1 },
          )
        ).hits.map(({ id }) => id),
      ).toEqual(['b']);
      expect(
        await rejection(() =>
          store().search.search(collection, { space: OLD.fingerprint, dense: vectorOf(OLD, 'x') }, { limit: 1 }),
        ),
      ).toMatchObject({ code: 'SPACE_MISMATCH', expected: NEW.fingerprint });
      expect(
        await rejection(() =>
          store().collections.upsertRows(collection, [embedded({ id: 'a', text: 'of the old model' })]),
        ),
      ).toMatchObject({ code: 'SPACE_MISMATCH' });
      await store().collections.upsertRows(collection, [embedded({ id: 'c', text: 'written after' }, NEW)]);
      expect((await store().migrations.switchSpace(migration.id, 'suite', ROLLBACK, embedIn(OLD))).caughtUp).toBe(3);
      expect((await store().collections.collection(collection)).activeSpace).toBe(OLD.fingerprint);
      const after = bits(await store().vectors.readVectors(collection, OLD.fingerprint));
      expect(after.length).toBe(4);
      expect(after[0]).toEqual(before[0]);
      expect((await store().vectors.coverage(collection, OLD.fingerprint)).current).toBe(4);
    });

    it('ends in another state where nobody is left in the space', async () => {
      const { migration } = await ready();
      await store().migrations.switchSpace(migration.id, 'suite', CUTOVER, embedIn(NEW));
      const last = { ...ROLLBACK, to: 'cut-over', whenNobodyIsLeft: 'rolled-back' } as const;
      await store().migrations.switchSpace(migration.id, 'suite', last, embedIn(OLD));
      expect(await store().migrations.latestMigration(migration.collection)).toMatchObject({ state: 'rolled-back' });
    });

    it('does not call the model where nothing is pending', async () => {
      const { migration } = await ready();
      const result = await store().migrations.switchSpace(migration.id, 'suite', CUTOVER, () =>
        Promise.reject(new Error('nothing to embed')),
      );
      expect(result.caughtUp).toBe(0);
    });

    it('that fails changes nothing', async () => {
      const made = await ready();
      await application().write(made.collection, [
        { id: 'a', text: 'edited' },
        { id: 'b', text: 'edited too' },
      ]);
      const before = await everything(made);
      const failed = async (
        change: SpaceSwitch,
        embed: (rows: readonly SourceRow[]) => Promise<readonly NewVector[]>,
      ): Promise<unknown> => rejection(() => store().migrations.switchSpace(made.migration.id, 'suite', change, embed));
      expect(await failed({ ...CUTOVER, expected: ['ready'] }, embedIn(NEW))).toMatchObject({
        code: 'MIGRATION_STATE',
        state: 'planned',
      });
      expect(await failed({ ...CUTOVER, maxPending: 1 }, embedIn(NEW))).toMatchObject({
        code: 'CATCH_UP',
        pending: 2,
        limit: 1,
      });
      expect(await failed({ ...CUTOVER, from: NEW.fingerprint, toSpace: OLD.fingerprint }, embedIn(OLD))).toMatchObject(
        { code: 'SPACE_MISMATCH', expected: NEW.fingerprint, actual: OLD.fingerprint },
      );
      expect(await failed({ ...CUTOVER, toSpace: OTHER.fingerprint }, embedIn(OTHER))).toMatchObject({
        code: 'UNKNOWN_SPACE',
      });
      expect(await failed(CUTOVER, () => Promise.reject(new Error('the model broke')))).toMatchObject({
        message: 'the model broke',
      });
      expect(await failed(CUTOVER, async (rows) => vectorsOf(NEW, rows.slice(1)))).toMatchObject({
        code: 'CATCH_UP',
        pending: 1,
      });
      expect(await failed(CUTOVER, embedIn(OLD))).toMatchObject({ code: 'DIMENSION_MISMATCH' });
      expect(await everything(made)).toEqual(before);
    });

    it('is refused where changes were not captured, until that is mended, and for tenants where rows have none', async () => {
      const { collection, migration } = await ready();
      const change = (other: Partial<SpaceSwitch> = {}): Promise<unknown> =>
        rejection(() => store().migrations.switchSpace(migration.id, 'suite', { ...CUTOVER, ...other }, embedIn(NEW)));
      expect(await change({ tenants: ['acme'] })).toMatchObject({ code: 'NO_TENANTS' });
      expect(await rejection(() => store().collections.collection(collection, 'acme'))).toMatchObject({
        code: 'NO_TENANTS',
      });
      await application().empty(collection);
      expect(await change()).toMatchObject({ code: 'COLLECTION_BROKEN', fault: 'truncated' });
      expect((await store().collections.collection(collection)).activeSpace).toBe(OLD.fingerprint);
      await store().upkeep.reconcile(collection);
      expect(await change()).toBe(undefined);
    });

    it('lets writers wait, and they are captured for both spaces', async () => {
      const { collection, migration } = await ready();
      await application().write(collection, [{ id: 'a', text: 'pending' }]);
      const order: string[] = [];
      const writers: Promise<unknown>[] = [];
      await store().migrations.switchSpace(migration.id, 'suite', CUTOVER, async (rows) => {
        writers.push(
          application()
            .write(collection, [{ id: 'b', text: 'written during the switch' }])
            .then(() => order.push('write')),
        );
        writers.push(
          rejection(() =>
            store().collections.upsertRows(collection, [embedded({ id: 'c', text: 'of the old model' })]),
          ).then((error) => expect(error).toMatchObject({ code: 'SPACE_MISMATCH' })),
        );
        await bench.current().pass(SWITCH_SECONDS);
        order.push('embedded');
        return vectorsOf(NEW, rows);
      });
      await Promise.all(writers);
      expect(order).toEqual(['embedded', 'write']);
      for (const { fingerprint } of [OLD, NEW])
        expect(idsOf(await store().changes.readPending(collection, fingerprint, 10)).includes('b')).toBe(true);
      expect((await store().collections.readRows(collection, ['c'])).map(({ text }) => text)).toEqual(['text of c']);
    });
  });

  describe('rows that cannot be embedded', () => {
    it('are known until their text changes, they get a vector, or they are gone', async () => {
      const { collection, migration } = await ready();
      await application().write(
        collection,
        rowsNamed('a', 'b', 'c', 'd').map(({ id }) => ({ id, text: `poison ${id}` })),
      );
      const rows = await store().changes.readPending(collection, NEW.fingerprint, 10);
      const first = rows.find(({ id }) => id === 'a');
      await application().write(collection, [{ id: 'c', text: 'edited meanwhile' }]);
      await store().migrations.recordPoison(
        migration.id,
        NEW.fingerprint,
        rows.map(({ id, contentHash }) => ({ id, contentHash, reason: 'no\0 tokens' })),
      );
      const poison = async (): Promise<readonly string[]> => idsOf(await store().migrations.poison(migration.id));
      expect(await poison()).toEqual(['a', 'b', 'd']);
      expect((await store().migrations.poison(migration.id))[0]).toMatchObject({
        id: 'a',
        contentHash: first?.contentHash,
        space: NEW.fingerprint,
        excused: 'no',
      });
      expect(idsOf(await store().changes.readPending(collection, NEW.fingerprint, 10))).toEqual(['c']);
      expect((await store().changes.readPending(collection, OLD.fingerprint, 10)).length).toBe(4);
      await application().write(collection, [{ id: 'a', text: 'mended' }]);
      expect(await poison()).toEqual(['b', 'd']);
      expect(idsOf(await store().changes.readPending(collection, NEW.fingerprint, 10))).toEqual(['c', 'a']);
      await store().vectors.writeVectors(
        collection,
        NEW.fingerprint,
        vectorsOf(
          NEW,
          rows.filter(({ id }) => id === 'b'),
        ),
      );
      expect(await poison()).toEqual(['d']);
      await application().delete(collection, ['d']);
      expect(await poison()).toEqual([]);
    });

    it('are excused by name, for this text only, in the log', async () => {
      const { collection, migration } = await ready();
      await application().write(collection, [
        { id: 'a', text: 'poison a' },
        { id: 'b', text: 'poison b' },
      ]);
      const record = async (): Promise<void> => {
        const rows = await store().collections.readRows(collection, ['a', 'b']);
        await store().migrations.recordPoison(
          migration.id,
          NEW.fingerprint,
          rows.map(({ id, contentHash }) => ({ id, contentHash, reason: 'no tokens' })),
        );
      };
      const excused = async (): Promise<readonly string[]> =>
        (await store().migrations.poison(migration.id)).map(({ id, excused: yes }) => `${id} ${yes}`);
      await record();
      expect(await store().migrations.excuse(migration.id, 'operator', ['a', 'c', 'gone'])).toBe(1);
      expect(await store().migrations.excuse(migration.id, 'operator', ['a'])).toBe(0);
      expect(await excused()).toEqual(['a yes', 'b no']);
      await record();
      expect(await excused()).toEqual(['a yes', 'b no']);
      expect(
        (await store().migrations.events(migration.id)).filter(({ event }) => event === 'excuse')[0],
      ).toMatchObject({
        by: 'operator',
        figures: { rows: 1, ids: ['a'] },
      });
      await application().write(collection, [{ id: 'a', text: 'another poison' }]);
      await record();
      expect(await excused()).toEqual(['a no', 'b no']);
    });
  });
}

/** Long enough for a writer that does not wait to be seen. */
const SWITCH_SECONDS = 0.3;
