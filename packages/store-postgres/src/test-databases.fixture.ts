import { parseDatabaseAddress } from './address/parse-address.js';
import { joinStore, openStore } from './open-store.js';
import type { PostgresStore } from './postgres-store.js';
import { ensureSchema } from './schema/ensure-schema.js';
import { Database } from './sql/database.js';
import { embeddedConnection, SqlApplication, TemporaryFolders } from './store.fixture.js';

/**
 * A server with pgvector for the specs (tools/postgres). Processes that run specs side by side have a database each, made
 * by jest.setup.cjs; it gets the schema and is not cleaned up.
 */
export const TEST_SERVER = ownDatabase(process.env['KIMERA_TEST_DATABASE_URL']);

function ownDatabase(server: string | undefined): string | undefined {
  if (server === undefined) return undefined;
  const url = new URL(server);
  url.pathname = `/kimera_specs_${process.env['JEST_WORKER_ID'] ?? '1'}`;
  return url.href;
}

/** One database: the store that owns it, another store on it, and an application. */
export interface TestDatabase {
  readonly owner: PostgresStore;
  readonly joined: PostgresStore;
  readonly application: SqlApplication;
  close(): Promise<void>;
}

/** What the specs run on, by name: a server where there is one, else PGlite. */
export const TEST_DATABASES: readonly (readonly [string, () => Promise<TestDatabase>])[] = [
  TEST_SERVER === undefined ? ['PGlite', openEmbedded] : ['a server', () => openServer(TEST_SERVER)],
];

export async function openServer(database: string): Promise<TestDatabase> {
  const [owner, joined] = [await openStore({ database }), await openStore({ database })];
  const application = new SqlApplication(database);
  return {
    owner,
    joined,
    application,
    async close() {
      await application.close();
      await Promise.all([owner.close(), joined.close()]);
    },
  };
}

async function openEmbedded(): Promise<TestDatabase> {
  const folders = new TemporaryFolders();
  const folder = await folders.withDatabase();
  const owner = await openStore({ database: folder });
  const joined = await joinStore(folder);
  const application = new SqlApplication(embeddedConnection(folder));
  return {
    owner,
    joined,
    application,
    async close() {
      await application.close();
      await joined.close();
      await owner.close();
      await folders.remove();
    },
  };
}

/** The connections of a store without the store; makes the schema where it is not there. */
export async function openDatabase(url: string, connections: number): Promise<Database> {
  const address = parseDatabaseAddress(url);
  if (address.kind === 'folder') throw new Error(`${url} is a folder`);
  const database = await Database.open(address, { connections });
  database.usePgvector(await ensureSchema(database));
  return database;
}
