import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { storeConformance } from '@kimera/testing';
import { JOB_ATTEMPTS } from './jobs.js';
import { openStore } from './open-store.js';
import { embeddedConnection, SqlApplication, TemporaryFolders } from './store.fixture.js';

// A database is made first, which takes seconds on a busy machine.
jest.setTimeout(180_000);
const functions = { afterAll, beforeAll, describe, expect, it };
const pass = (seconds: number): Promise<void> => delay(seconds * 1000);
const server = process.env['KIMERA_TEST_DATABASE_URL'];

storeConformance(functions, {
  name: 'PostgresStore on PGlite',
  attempts: JOB_ATTEMPTS,
  open: async () => {
    const folders = new TemporaryFolders();
    const folder = await folders.withDatabase();
    const store = await openStore({ database: folder });
    const application = new SqlApplication(embeddedConnection(folder));
    return {
      store, application, pass,
      close: async () => {
        await application.close();
        await store.close();
        await folders.remove();
      },
    };
  },
});

if (server !== undefined) {
  storeConformance(functions, {
    name: 'PostgresStore on a server',
    attempts: JOB_ATTEMPTS,
    open: async () => {
      const store = await openStore({ database: server });
      const application = new SqlApplication(server);
      return {
        store, application, pass,
        close: async () => {
          await application.close();
          await store.close();
        },
      };
    },
  });
}
