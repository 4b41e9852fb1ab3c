import { once } from 'node:events';
import { KimeraError } from '@kimera/core';
import { FolderLock } from './lock/folder-lock.js';
import type { PostgresStore } from './postgres-store.js';

/** What a child process of the specs does; it ends when its input does. What one action needs alone is loaded by it. */
const [action = '', folder = '', prefix = ''] = process.argv.slice(2);
const say = (line: string): boolean => process.stdout.write(`${line}\n`);
const store = () => import('./open-store.js');

const actions: Readonly<Record<string, () => Promise<void>>> = {
  /** Holds the lock alone. */
  async lock() {
    const lock = await FolderLock.acquire(folder, 'secret');
    say('locked');
    await inputEnds();
    await lock.release();
  },
  async open() {
    const opened = await (await store()).openStore({ database: folder });
    say('open');
    await inputEnds();
    await opened.close();
  },
  async join() {
    const joined = await (await store()).joinStore(folder);
    say(`joined ${await joined.collections.countRows('docs')}`);
    await inputEnds();
    await joined.close();
  },
  /** Commits a row after the other, and says each once it is committed. */
  async 'open-and-insert'() {
    await insert(await (await store()).openStore({ database: folder }));
  },
  async 'join-and-insert'() {
    await insert(await (await store()).joinStore(folder));
  },
  /** Changes rows in a transaction that never ends. */
  async 'join-and-hold'() {
    const { embeddedConnection, SqlApplication } = await import('./application.fixture.js');
    const application = new SqlApplication(embeddedConnection(folder));
    const client = await application.pool.connect();
    await client.query('BEGIN');
    await client.query(`UPDATE public.docs SET text = 'never committed'`);
    say('holding');
    await inputEnds();
  },
};

async function insert(opened: PostgresStore): Promise<void> {
  const { activeSpace: space } = await opened.collections.collection('docs');
  for (let i = 0; ; i++) {
    const id = `${prefix}-${i}`;
    await opened.collections.upsertRows('docs', [
      {
        id,
        text: `text of ${id}`,
        embedding: {
          dense: Float32Array.from([i, 1, 2, 3]),
          space,
          variant: 'fp32',
          tokenizerRevision: 1,
          truncated: false,
        },
      },
    ]);
    say(id);
  }
}

async function inputEnds(): Promise<void> {
  process.stdin.resume();
  await once(process.stdin, 'end');
}

try {
  await actions[action]?.();
} catch (error) {
  say(error instanceof KimeraError ? `${error.code} ${JSON.stringify(error.fields)}` : String(error));
}
