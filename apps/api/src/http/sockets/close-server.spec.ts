import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import { connect, type Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, describe, expect, it } from '@jest/globals';
import { z } from 'zod';
import { closeServer } from './close-server.js';
import { Connections } from './connections.js';

/** Short, so that the tests are; they pass with any. */
const WAITS = { graceMilliseconds: 60_000, clientMilliseconds: 20, quietMilliseconds: 20 };
const servers: Server[] = [];
const clients: Socket[] = [];
afterEach(() => {
  for (const client of clients.splice(0)) client.destroy();
  for (const server of servers.splice(0)) server.closeAllConnections();
});

async function start(listener: RequestListener): Promise<{
  readonly server: Server;
  readonly connections: Connections;
  readonly send: (text: string) => Promise<Socket>;
}> {
  const server = createServer(listener);
  servers.push(server);
  const connections = new Connections(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = z.object({ port: z.int() }).parse(server.address());
  const send = async (text: string): Promise<Socket> => {
    const accepted = once(server, 'connection');
    const client = connect(port, '127.0.0.1').on('error', () => undefined);
    clients.push(client);
    client.write(text);
    await accepted;
    return client;
  };
  return { server, connections, send };
}

describe('closing a server', () => {
  it.each([
    ['half a body', 'POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 100\r\n\r\nhalf'],
    ['half a header', 'POST / HTTP/1.1\r\nho'],
    ['nothing', ''],
  ])('does not wait for a client that sent %s', async (_what, text) => {
    const { server, connections, send } = await start((request) => request.resume());
    const client = await send(text);
    const left = once(client.resume(), 'close');
    await closeServer(server, connections, WAITS);
    await left;
  });

  it('does not wait for a client that takes no more of its answer', async () => {
    const { server, connections, send } = await start(
      (_request, response) => void response.end(Buffer.alloc(32 << 20)),
    );
    const client = await send('GET / HTTP/1.1\r\nhost: a\r\n\r\n');
    await once(client, 'readable');
    await closeServer(server, connections, WAITS);
  });

  it('answers a request that arrived whole, however long that takes', async () => {
    let answer = (): void => undefined;
    const { server, connections, send } = await start((request, response) => {
      request.resume();
      answer = () => void response.end('done');
    });
    const arrived = once(server, 'request');
    const client = await send('POST / HTTP/1.1\r\nhost: a\r\nconnection: close\r\ncontent-length: 4\r\n\r\nbody');
    await arrived;
    const half = await send('POST / HTTP/1.1\r\nho');
    const cutOff = once(half.resume(), 'close');
    const closed = closeServer(server, connections, WAITS);
    await cutOff;
    answer();
    let text = '';
    for await (const chunk of client) text += String(chunk);
    expect(text).toMatch(/^HTTP\/1.1 200 OK[\s\S]*done$/);
    await closed;
  });

  it('answers every client that the system had accepted, and those that come right after', async () => {
    const { server, connections, send } = await start((_request, response) => void response.end('done'));
    await send('');
    const { port } = z.object({ port: z.int() }).parse(server.address());
    const answers: Promise<string>[] = [];
    const ask = (): void => {
      const client = connect(port, '127.0.0.1');
      clients.push(client);
      client.write('GET / HTTP/1.1\r\nhost: a\r\n\r\n');
      answers.push(text(client));
    };
    for (let i = 0; i < 50; i += 1) ask();
    const closed = closeServer(server, connections, WAITS);
    for (let i = 0; i < 10; i += 1) {
      await delay(5);
      ask();
    }
    await closed;
    for (const answer of await Promise.all(answers)) expect(answer).toMatch(/^HTTP\/1.1 200 OK[\s\S]*done$/);
  });
});
