import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { Agent, request } from 'node:http';
import { connect, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { z } from 'zod';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const DESCRIPTORS = 128;
const lineSchema = z.looseObject({ msg: z.string() });
const lines: z.infer<typeof lineSchema>[] = [];
let server: ChildProcess;
let url = '';
beforeAll(async () => {
  server = spawn('sh', ['-c', `ulimit -n ${DESCRIPTORS} && exec "${process.execPath}" apps/api/dist/main.js`], {
    cwd: root,
    env: { ...process.env, PORT: '0', ONNX_MODEL_PATH: 'fixtures/models/bert-tiny-prompts' },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  if (server.stdout === null) throw new Error('the server has no log');
  createInterface(server.stdout).on('line', (line) => lines.push(lineSchema.parse(JSON.parse(line))));
  url = z.string().parse((await lineOf('listening on'))['url']);
});
afterAll(async () => {
  server.kill('SIGTERM');
  await once(server, 'exit');
});

async function lineOf(beginning: string): Promise<z.infer<typeof lineSchema>> {
  for (;;) {
    const found = lines.find(({ msg }) => msg.startsWith(beginning));
    if (found !== undefined) return found;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

function ask(
  agent: Agent,
  path: string,
  body?: object,
): Promise<{ readonly status: number; readonly reused: boolean }> {
  return new Promise((resolve, reject) => {
    const sent = request(
      url + path,
      {
        agent,
        method: body === undefined ? 'GET' : 'POST',
        headers: body === undefined ? {} : { 'content-type': 'application/json' },
      },
      (response) => {
        response.resume();
        response.once('end', () => resolve({ status: response.statusCode ?? 0, reused: sent.reusedSocket }));
      },
    );
    sent.once('error', reject);
    sent.end(body === undefined ? undefined : JSON.stringify(body));
  });
}

it('a server with few descriptors says so, refuses what is beyond, serves who is there, and takes new clients again', async () => {
  const { connections } = z.object({ connections: z.int() }).parse(await lineOf('the system gives this process fewer'));
  expect(connections).toBeGreaterThan(0);
  expect(connections).toBeLessThan(DESCRIPTORS - 64);
  const kept = new Agent({ keepAlive: true, maxSockets: 1 });
  expect(await ask(kept, '/health')).toMatchObject({ status: 200 });
  const { hostname, port } = new URL(url);
  const crowd = Array.from(
    { length: 2 * DESCRIPTORS },
    () =>
      new Promise<Socket>((resolve) => {
        const socket: Socket = connect(Number(port), hostname, () => resolve(socket)).on('error', () =>
          resolve(socket),
        );
      }),
  );
  const sockets = await Promise.all(crowd);
  await lineOf('connections were refused');
  for (let turn = 0; turn < 5; turn += 1) {
    expect(await ask(kept, '/health')).toEqual({ status: 200, reused: true });
    expect(await ask(kept, '/embed', { inputs: `text ${turn}` })).toEqual({ status: 200, reused: true });
  }
  for (const socket of sockets) socket.destroy();
  // The server learns of it a moment later.
  for (let left = 1; left > 0;) left = await openConnections(kept);
  const fresh = new Agent();
  expect(await ask(fresh, '/embed', { inputs: 'a new client' })).toEqual({ status: 200, reused: false });
  kept.destroy();
  expect(lines.filter(({ msg }) => msg.startsWith('the server could not accept'))).toEqual([]);
});

/** Beside the one that asks. */
function openConnections(agent: Agent): Promise<number> {
  return new Promise((resolve, reject) => {
    request(`${url}/metrics`, { agent }, (response) => {
      let text = '';
      response.on('data', (chunk: Buffer) => (text += chunk.toString()));
      response.once('end', () => resolve(Number(/^kimera_connections (\d+)$/m.exec(text)?.[1]) - 1));
    })
      .once('error', reject)
      .end();
  });
}
