import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import { CollectionTableGoneError, CollectionUnreadableError, type CollectionFault } from '@kimera/core';
import { keep, type KeeperEvent } from '../index.js';
import {
  COLLECTION,
  expectedVectors,
  journey,
  rowsOf,
  SOURCE_SPACE,
  vectors,
  type Journey,
} from '../journey.fixture.js';
import type { MigrationStorePorts } from '../parts.js';

const OLD = SOURCE_SPACE.fingerprint;

function keeping(parts: Journey, store: MigrationStorePorts = parts.store) {
  const events: KeeperEvent[] = [];
  const stop = new AbortController();
  const done = keep(
    { store, openModel: async () => ({ embedder: parts.source, close: async () => undefined }) },
    { signal: stop.signal, pollMilliseconds: 1, faultsMilliseconds: 1, onEvent: (event) => events.push(event) },
  );
  return {
    said: () => events.filter(({ kind }) => kind !== 'lag'),
    stop: () => {
      stop.abort();
      return done;
    },
  };
}
async function until(condition: () => Promise<boolean> | boolean): Promise<void> {
  for (let i = 0; !(await condition()); i++) {
    if (i > 1_000) throw new Error('not within five seconds');
    await delay(5);
  }
}
const pending = ({ store }: Journey, name: string): Promise<number> => store.changes.countPending(name, OLD);

/** The table of the collection is not as it was while `fault` is there: whatever reads its rows fails. */
function withFault(parts: Journey) {
  const broken: { fault: CollectionFault | undefined; store: MigrationStorePorts } = {
    fault: undefined,
    store: parts.store,
  };
  const check = (name: string): void => {
    if (broken.fault === undefined || name !== COLLECTION) return;
    throw broken.fault.kind === 'table-gone'
      ? new CollectionTableGoneError(name, 'public.docs')
      : new CollectionUnreadableError(name, 'public.docs', broken.fault.detail);
  };
  const { collections, changes, upkeep } = parts.store;
  broken.store = {
    ...broken.store,
    collections: {
      ...collections,
      collection: async (name, tenant) => {
        check(name);
        return collections.collection(name, tenant);
      },
    },
    changes: {
      ...changes,
      claimPending: async (name, space, claim) => {
        check(name);
        return changes.claimPending(name, space, claim);
      },
    },
    upkeep: {
      faults: async (name) =>
        broken.fault === undefined || name !== COLLECTION ? upkeep.faults(name) : [broken.fault],
      reconcile: async (name, signal) => {
        check(name);
        return upkeep.reconcile(name, signal);
      },
    },
  };
  return broken;
}

describe('a keeper of a collection with faults', () => {
  it('reconciles it, says so, and goes on', async () => {
    const parts = await journey({ rows: 5 });
    await parts.store.emptyAsApplication(COLLECTION);
    await parts.store.writeAsApplication(COLLECTION, rowsOf(2));
    const keeper = keeping(parts);
    await until(async () => (await parts.store.upkeep.faults(COLLECTION)).length === 0);
    await until(async () => (await pending(parts, COLLECTION)) === 0);
    await until(() => keeper.said().length > 0);
    await keeper.stop();
    expect(keeper.said()).toMatchObject([{ kind: 'mended', collection: COLLECTION }]);
    expect(await vectors(parts, OLD)).toEqual(await expectedVectors(parts, parts.source));
    expect(await parts.store.vectors.coverage(COLLECTION, OLD)).toMatchObject({ rows: 2, current: 2, orphans: 0 });
  });

  it.each([
    ['table-gone', 'public.docs is not there'],
    ['unreadable', 'column text does not exist'],
  ] as const)('%s says so once, keeps the others current, and reconciles it when it is back', async (kind, detail) => {
    const parts = await journey({ rows: 3 });
    await parts.store.collections.createCollection('other', SOURCE_SPACE);
    const broken = withFault(parts);
    const keeper = keeping(parts, broken.store);
    await until(async () => (await pending(parts, COLLECTION)) === 0);
    const fault: CollectionFault = { kind, at: null, detail };
    broken.fault = fault;
    await parts.store.emptyAsApplication(COLLECTION);
    await parts.store.writeAsApplication(COLLECTION, rowsOf(4));
    await parts.store.writeAsApplication('other', rowsOf(3));
    await until(async () => (await pending(parts, 'other')) === 0);
    await until(() => keeper.said().length > 0);
    // It meets the fault more than once.
    for (let turn = 0; turn < 3; turn++) {
      await parts.store.writeAsApplication('other', [{ id: 'again', text: `turn ${turn}` }]);
      await until(async () => (await pending(parts, 'other')) === 0);
    }
    expect(keeper.said()).toEqual([{ kind: 'broken', collection: COLLECTION, faults: [fault] }]);
    expect(await pending(parts, COLLECTION)).toBe(4);
    broken.fault = undefined;
    await until(async () => (await pending(parts, COLLECTION)) === 0);
    await keeper.stop();
    expect(keeper.said().map((event) => event.kind)).toEqual(['broken', 'mended']);
    expect(await vectors(parts, OLD)).toEqual(await expectedVectors(parts, parts.source));
  });

  it('that cannot be mended says so once for each reason, tries again, and stops at once', async () => {
    const parts = await journey({ rows: 3 });
    await parts.store.collections.createCollection('other', SOURCE_SPACE);
    await parts.store.emptyAsApplication(COLLECTION);
    let tries = 0;
    const store: MigrationStorePorts = parts.store;
    const keeper = keeping(parts, {
      ...store,
      upkeep: {
        ...store.upkeep,
        reconcile: (_, signal) => {
          tries += 1;
          if (tries <= 3) return Promise.reject(new Error('must be owner of table docs'));
          return new Promise((_resolve, reject) => {
            signal?.addEventListener('abort', () => reject(new Error('stopped')));
          });
        },
      },
    });
    await parts.store.writeAsApplication('other', rowsOf(3));
    await until(async () => tries === 4 && (await pending(parts, 'other')) === 0);
    const asked = performance.now();
    await keeper.stop();
    expect(performance.now() - asked).toBeLessThan(1_000);
    expect(keeper.said()).toMatchObject([
      { kind: 'failed', collection: COLLECTION, error: { message: 'must be owner of table docs' } },
    ]);
  });
});
