import { openStore } from '@kimera/store-postgres';

/** Owns a database folder until it is killed: `owner.ts FOLDER`. */
const [folder = ''] = process.argv.slice(2);
const store = await openStore({ database: folder });
process.stdout.write(`ready ${store.address}\n`);
process.on('SIGTERM', () => void store.close().then(() => process.exit(0)));
setInterval(() => undefined, 60_000);
