import { parentPort, workerData, type MessagePort } from 'node:worker_threads';
import { PGlite } from '@electric-sql/pglite';
import { vector } from '@electric-sql/pglite-pgvector';
import { reasonOf } from '@kimera/core';
import { createdAtOnce } from './pglite/created-at-once.js';
import { STOP, type PGliteThreadData, type PGliteThreadMessage } from './pglite/messages.js';
import { WireServer } from './pglite/wire-server.js';

/** The thread that owns the embedded database: a statement blocks its event loop while it runs. */
const port = ownPort();
const send = (message: PGliteThreadMessage): void => port.postMessage(message);
const { dataFolder, password, port: wanted } = workerData as PGliteThreadData;

const open = (folder: string): Promise<PGlite> =>
  PGlite.create({ dataDir: folder, extensions: { vector }, relaxedDurability: false });

void serve();

async function serve(): Promise<void> {
  try {
    await createdAtOnce(dataFolder, async (folder) => (await open(folder)).close());
    const database = await open(dataFolder);
    const { rows } = await database.query<{ server_version: string; TimeZone: string }>(
      `SELECT current_setting('server_version') AS server_version, current_setting('TimeZone') AS "TimeZone"`,
    );
    const parameters = {
      server_encoding: 'UTF8',
      client_encoding: 'UTF8',
      DateStyle: 'ISO, MDY',
      IntervalStyle: 'postgres',
      integer_datetimes: 'on',
      standard_conforming_strings: 'on',
      ...rows[0],
    };
    const server = await WireServer.listen(
      { execute: (messages) => execute(database, messages), password, parameters },
      wanted,
    );
    port.once('message', (message: unknown) => {
      if (message !== STOP) return;
      void server
        .close()
        .then(() => database.close())
        .finally(() => port.close());
    });
    send({ kind: 'ready', port: server.port });
  } catch (error) {
    send({ kind: 'failed', reason: reasonOf(error) });
    port.close();
  }
}

/** A failure here is not one of a statement, which is an answer: the database itself has ended. */
async function execute(database: PGlite, messages: Buffer): Promise<Buffer> {
  const chunks: Buffer[] = [];
  try {
    await database.execProtocolRawStream(messages, { onRawData: (data) => chunks.push(Buffer.from(data)) });
  } catch (error) {
    send({ kind: 'died', reason: reasonOf(error) });
    setImmediate(() => process.exit(1));
    throw error;
  }
  return Buffer.concat(chunks);
}

function ownPort(): MessagePort {
  if (parentPort === null) throw new Error('pglite-worker runs in a worker thread');
  return parentPort;
}
