import { once } from 'node:events';
import { createServer, type IncomingMessage, type RequestListener } from 'node:http';
import { connect, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from '@jest/globals';
import { z } from 'zod';
import { Connections, type ConnectionsOptions } from './connections.js';

const ends: (() => void)[] = [];
afterEach(() => {
  for (const end of ends.splice(0)) end();
});

async function start(listener: RequestListener, options: ConnectionsOptions = {}) {
  const server = createServer(listener);
  const connections = new Connections(server, options);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = z.object({ port: z.int() }).parse(server.address());
  const client = async (text = ''): Promise<Socket> => {
    const accepted = once(server, 'connection');
    const socket = connect(port, '127.0.0.1').on('error', () => undefined);
    socket.write(text);
    await accepted;
    ends.push(() => socket.destroy());
    return socket;
  };
  ends.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return { connections, client };
}
const GET = 'GET / HTTP/1.1\r\nhost: a\r\n\r\n';
async function answer(socket: Socket): Promise<string> {
  const [chunk] = (await once(socket, 'data')) as [Buffer];
  return chunk.toString();
}

describe('connections', () => {
  it('are closed after their answers from then on: those being computed, and those of later requests', async () => {
    let finish: (() => void) | undefined;
    const { connections, client } = await start((request, response) => {
      if (request.url === '/waits') finish = () => void response.end('late');
      else response.end('at once');
    });
    const kept = await client(GET);
    expect(await answer(kept)).toMatch(/connection: keep-alive/i);
    const waits = await client('GET /waits HTTP/1.1\r\nhost: a\r\n\r\n');
    while (finish === undefined) await new Promise((resolve) => setImmediate(resolve));
    connections.closeAfterAnswers();
    finish();
    expect(await answer(waits)).toMatch(/connection: close/i);
    await once(waits, 'close');
    kept.write(GET);
    expect(await answer(kept)).toMatch(/connection: close/i);
    await once(kept, 'close');
  });

  it('lets one end that had begun its answer', async () => {
    let finish: (() => void) | undefined;
    const { connections, client } = await start((_request, response) => {
      response.write('be');
      finish = () => void response.end('gun');
    });
    const begun = await client(GET);
    await once(begun, 'readable');
    connections.closeAfterAnswers();
    finish?.();
    begun.resume();
    await once(begun, 'close');
  });

  it('are closed where they have had no request for a while, and not before', async () => {
    const { connections, client } = await start((_request, response) => void response.end('at once'));
    const idle = await client(GET);
    await answer(idle);
    connections.closeIdle(60_000);
    idle.write(GET);
    await answer(idle);
    connections.closeIdle(0);
    await once(idle, 'close');
  });

  it('are cut off where the client takes nothing of its answer for too long', async () => {
    const cut: IncomingMessage[] = [];
    const { connections, client } = await start((_request, response) => void response.end(Buffer.alloc(64 << 20)), {
      writeMilliseconds: 300,
      onCutOff: (request) => cut.push(request),
    });
    const never = await client(GET);
    never.pause();
    const slow = await client(GET);
    let taken = 0;
    slow.on('data', (chunk: Buffer) => (taken += chunk.length));
    while (connections.count > 0) await new Promise((resolve) => setTimeout(resolve, 20));
    expect(cut.length).toBe(1);
    expect(taken).toBeGreaterThan(64 << 20);
  });
});
