import type { TestFunctions } from '../test-functions.js';
import { changesConformance } from './changes-conformance.js';
import { collectionsConformance } from './collections-conformance.js';
import { jobsConformance } from './jobs-conformance.js';
import { migrationsConformance } from './migrations-conformance.js';
import { searchConformance } from './search-conformance.js';
import { OLD, type StoreCase, type StoreUnderTest } from './store-under-test.js';
import { upkeepConformance } from './upkeep-conformance.js';
import { vectorsConformance } from './vectors-conformance.js';

let names = 0;

/** What every store does, port by port; one store is opened for all, each test has collections of its own. */
export function storeConformance(functions: TestFunctions, { name, open, attempts }: StoreCase): void {
  const { describe, beforeAll, afterAll } = functions;
  describe(`${name} as a store`, () => {
    let opened: StoreUnderTest | undefined;
    const current = (): StoreUnderTest => {
      if (opened === undefined) throw new Error('the store is not open');
      return opened;
    };
    const freshName = (): string => `suite_${process.pid}_${names++}`;
    const collection = async (): Promise<string> => {
      const fresh = freshName();
      await current().store.collections.createCollection(fresh, OLD);
      return fresh;
    };
    beforeAll(async () => {
      opened = await open();
    });
    afterAll(async () => opened?.close());
    const bench = { attempts, current, collection, freshName };
    collectionsConformance(functions, bench);
    searchConformance(functions, bench);
    vectorsConformance(functions, bench);
    changesConformance(functions, bench);
    upkeepConformance(functions, bench);
    jobsConformance(functions, bench);
    migrationsConformance(functions, bench);
  });
}
