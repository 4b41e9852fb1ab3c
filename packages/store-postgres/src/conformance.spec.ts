import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { storeConformance } from '@kimera/testing';
import { JOB_ATTEMPTS } from './limits.js';
import { TEST_DATABASES } from './test-databases.fixture.js';

// A database is made first, which takes seconds on a busy machine.
jest.setTimeout(180_000);

for (const [name, open] of TEST_DATABASES) {
  storeConformance(
    { afterAll, beforeAll, describe, expect, it },
    {
      name: `PostgresStore on ${name}`,
      attempts: JOB_ATTEMPTS,
      open: async () => {
        const { owner, application, close } = await open();
        return { store: owner, application, close, pass: (seconds) => delay(seconds * 1000) };
      },
    },
  );
}
