import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { InMemoryStore } from './in-memory-store.js';
import { storeConformance } from './store-conformance.js';

storeConformance(
  { afterAll, beforeAll, describe, expect, it },
  {
    name: 'InMemoryStore',
    attempts: 5,
    open: async () => {
      let milliseconds = 0;
      const store = new InMemoryStore({ now: () => milliseconds, attempts: 5 });
      return {
        store,
        application: {
          write: (name, rows) => store.writeAsApplication(name, rows),
          delete: (name, ids) => store.deleteAsApplication(name, ids),
          empty: (name) => store.emptyAsApplication(name),
        },
        pass: async (seconds) => {
          milliseconds += seconds * 1000;
        },
        close: async () => undefined,
      };
    },
  },
);
