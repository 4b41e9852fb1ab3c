import { createServer, type AddressInfo } from 'node:net';
import { expect, it } from '@jest/globals';
import { kimera } from './run-kimera.fixture.js';

/** A port at which nobody listens. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

it('a keeper that starts before its database waits for it, until a signal', async () => {
  const stop = new AbortController();
  const words = ['migrate', 'work', '--forever', '--database', `postgres://someone@127.0.0.1:${await freePort()}/some`];
  const running = kimera(words, '.', '', {
    stop: stop.signal,
    onProgress: (text) => {
      // Said once, however often it is tried.
      if (text.includes('waiting for the database')) setTimeout(() => stop.abort(), 1_000);
    },
  });
  const { code, stderr } = await running;
  expect(code).toBe(3);
  expect(stderr.match(/waiting for the database/g)).toHaveLength(1);
  expect(stderr).toContain('stopped while it waited for the database');
});
