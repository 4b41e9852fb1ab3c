import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { expect, it, jest } from '@jest/globals';
import { openStaticModel } from '@kimera/backend-light';
import { Embedder } from '@kimera/embedder';
import { parseConfiguration, shippedModel } from '@kimera/serving';
import { emptyDatabase } from '@kimera/testing';
import { pino } from 'pino';
import { startServer } from './server.js';

jest.setTimeout(180_000);
const root = fileURLToPath(new URL('../../..', import.meta.url));

it('a server that keeps its collections queues nothing for long, and tells the lag in its metrics', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'kimera-keeper-'));
  const database = join(folder, 'data');
  const environment = { DATABASE_URL: database, LIGHTWEIGHT_EMBEDDING: '1', PORT: '0', KIMERA_KEEP: '1' };
  const light = new Embedder(await openStaticModel({ path: shippedModel('static-minilm') }));
  const { joinStore, openStore } = await import('@kimera/store-postgres');
  await emptyDatabase(database);
  const made = await openStore({ database });
  await made.collections.createCollection('docs', light.space);
  const embedding = await light.encodeText('a text', { role: 'document' });
  await made.collections.upsertRows('docs', [{ id: 'a', text: 'a text', embedding }]);
  // What a fault, or an application, would leave: a row without its vector.
  await made.vectors.openSpace('docs', { ...light.space, fingerprint: 'f'.repeat(64) });
  await made.close();
  const server = await startServer(parseConfiguration(environment, root), pino({ enabled: false }));
  try {
    const metrics = async (): Promise<string> => (await fetch(`${server.url}/metrics`)).text();
    for (let i = 0; i < 300 && !/kimera_keeper_lag_seconds\{/.test(await metrics()); i++) await delay(100);
    const text = await metrics();
    expect(text).toMatch(/^kimera_keeper_up 1$/m);
    expect(text).toContain(
      `kimera_keeper_pending_rows{collection="docs",space="${light.space.fingerprint}",active="1"} 0`,
    );
    expect(text).toMatch(/kimera_keeper_lag_seconds\{collection="docs",space="f{64}",active="0"\} 0/);
    const store = await joinStore(database);
    await store.collections.upsertRows('docs', [{ id: 'b', text: 'another', embedding }]);
    expect(await store.changes.countPending('docs', light.space.fingerprint)).toBe(0);
    await store.close();
  } finally {
    await server.close();
    await light.close();
    await rm(folder, { recursive: true });
  }
});
