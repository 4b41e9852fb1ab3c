import { beforeEach, expect, it } from '@jest/globals';
import type { InPlaceStore } from '@kimera/core';
import { cutOver, migrationStatus, planMigration, rollBack, startMigration, verifyMigration, work } from './index.js';
import {
  ENOUGH,
  active,
  COLLECTION,
  journey,
  queries,
  SOURCE_SPACE,
  state,
  TARGET_SPACE,
  type Journey,
} from './journey.fixture.js';

const PLAN = {
  table: 'public.docs',
  column: 'embedding',
  type: 'vector(32)',
  newType: 'vector(48)',
  moved: [{ kind: 'index', name: 'public.near', detail: '' }],
  refused: [],
  toAccept: [],
  notes: [],
};

/** A store whose collection has a column of the application's; it notes what is asked of it. */
class Columns implements InPlaceStore {
  readonly calls: unknown[] = [];
  #open = false;
  refusal: Error | undefined;

  async planInPlace(): Promise<typeof PLAN> {
    return PLAN;
  }
  async openInPlace(_migration: string, accepted: readonly string[]): Promise<typeof PLAN> {
    this.calls.push(['open', accepted]);
    if (this.refusal !== undefined) throw this.refusal;
    this.#open = true;
    return PLAN;
  }
  async inPlaceColumns(): Promise<{ table: string; column: string; spare: string } | undefined> {
    return this.#open ? { table: PLAN.table, column: PLAN.column, spare: 'kimera_new_1' } : undefined;
  }
  async prepareSwap(_migration: string, space: string): ReturnType<InPlaceStore['prepareSwap']> {
    this.calls.push(['prepare', space, await this.activeSpace()]);
    return { filled: 3, indexesBuilt: ['near'], indexSeconds: 1.26 };
  }
  activeSpace = async (): Promise<string> => '';
}

let columns: Columns;
let parts: Journey;
beforeEach(async () => {
  parts = await journey();
  columns = new Columns();
  columns.activeSpace = () => active(parts);
  Object.assign(parts.store, { inPlace: columns });
  await planMigration(parts);
});

it('prepares the column before each switch, and says so in the log', async () => {
  await startMigration(parts, { inPlace: { accepted: ['trigger:t'] } });
  await work(parts, { until: 'caught-up' });
  await verifyMigration(parts, { queries: queries(ENOUGH) });
  await cutOver(parts, { accepted: ['trigger:late'] });
  await rollBack(parts);
  expect(columns.calls).toEqual([
    ['open', ['trigger:t']],
    ['open', ['trigger:late']],
    ['prepare', TARGET_SPACE.fingerprint, SOURCE_SPACE.fingerprint],
    ['prepare', SOURCE_SPACE.fingerprint, TARGET_SPACE.fingerprint],
  ]);
  const { events, inPlace } = await migrationStatus({ store: parts.store, collection: COLLECTION });
  expect(inPlace).toEqual({ table: 'public.docs', column: 'embedding', spare: 'kimera_new_1' });
  expect(events.find(({ event }) => event === 'start')?.figures).toMatchObject({
    inPlace: 'public.docs.embedding',
    moved: ['index:public.near'],
  });
  expect(events.filter(({ event }) => event === 'prepare').map(({ figures }) => figures)).toEqual(
    Array.from({ length: 2 }, () => ({
      column: 'embedding',
      from: 'kimera_new_1',
      filled: 3,
      indexesBuilt: ['near'],
      indexSeconds: 1.3,
    })),
  );
});

it('leaves nothing behind where the start is refused', async () => {
  columns.refusal = new Error('a view is in the way');
  await expect(startMigration(parts, { inPlace: { accepted: [] } })).rejects.toThrow('a view is in the way');
  expect(await state(parts)).toBe('planned');
  expect(await parts.store.vectors.spaces(COLLECTION)).toEqual([SOURCE_SPACE]);
});

it('has nothing to prepare where the migration is not in place', async () => {
  await startMigration(parts);
  await work(parts, { until: 'caught-up' });
  await verifyMigration(parts, { queries: queries(ENOUGH) });
  await cutOver(parts);
  expect(columns.calls).toEqual([]);
});
