import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { storeConformance } from '@kimera/testing';
import { JOB_ATTEMPTS } from './limits.js';
import { PGBOUNCER, startPgBouncer } from './pgbouncer.fixture.js';
import { ServerDatabases } from './server-database.fixture.js';
import { openServer, TEST_DATABASES, TEST_SERVER, type TestDatabase } from './test-databases.fixture.js';

// A database is made first, which takes seconds on a busy machine.
jest.setTimeout(180_000);

/** A database where no name of pgvector is in the search path. */
async function elsewhere(server: string): Promise<TestDatabase> {
  const databases = await ServerDatabases.at(server);
  const database = await databases.create();
  const name = new URL(database).pathname.slice(1);
  await databases.run(
    database,
    'CREATE SCHEMA extensions',
    'CREATE EXTENSION vector SCHEMA extensions',
    `ALTER DATABASE ${name} SET search_path = nowhere`,
  );
  const opened = await openServer(database);
  return { ...opened, close: () => opened.close().then(() => databases.drop()) };
}

async function throughPgBouncer(program: string, server: string): Promise<TestDatabase> {
  const databases = await ServerDatabases.at(server);
  const bouncer = await startPgBouncer(program, await databases.create());
  const opened = await openServer(bouncer.url);
  return {
    ...opened,
    close: () =>
      opened
        .close()
        .then(() => bouncer.stop())
        .then(() => databases.drop()),
  };
}

const server = TEST_SERVER;
const bouncer = PGBOUNCER;
const OTHERS: readonly (readonly [string, () => Promise<TestDatabase>])[] =
  server === undefined
    ? []
    : [
        ['a server with the extension elsewhere', () => elsewhere(server)],
        ...(bouncer === undefined ? [] : [['PgBouncer', () => throughPgBouncer(bouncer, server)] as const]),
      ];

for (const [name, open] of [...TEST_DATABASES, ...OTHERS]) {
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
