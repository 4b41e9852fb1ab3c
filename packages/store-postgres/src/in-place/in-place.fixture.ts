import { openStore } from '../open-store.js';
import { Database } from '../sql/database.js';
import { embeddedConnection, TemporaryFolders, TEST_SERVER } from '../store.fixture.js';

/** Databases by name, with the extension and the schema `kimera`. */
export const DATABASES: readonly (readonly [
  string,
  () => Promise<{ readonly database: Database; readonly url: string; readonly close: () => Promise<void> }>,
])[] = [
  [
    'PGlite',
    async () => {
      const folders = new TemporaryFolders();
      const folder = await folders.withDatabase();
      const store = await openStore({ database: folder });
      const url = embeddedConnection(folder);
      const database = new Database({ connectionString: url, connections: 2 });
      return {
        database,
        url,
        async close() {
          await database.close();
          await store.close();
          await folders.remove();
        },
      };
    },
  ],
  ...(TEST_SERVER === undefined
    ? []
    : [
        [
          'a server',
          async () => {
            await (await openStore({ database: TEST_SERVER })).close();
            const database = new Database({ connectionString: TEST_SERVER, connections: 4 });
            return { database, url: TEST_SERVER, close: () => database.close() };
          },
        ] as const,
      ]),
];
