import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { expect, it } from '@jest/globals';

const root = fileURLToPath(new URL('../../../', import.meta.url));

it('sends a span of each request, below that of the caller, without texts', async () => {
  const received: string[] = [];
  const collector = createServer((request, response) => {
    let text = '';
    request.setEncoding('utf8').on('data', (part: string) => (text += part));
    request.on('end', () => {
      received.push(`${request.url ?? ''} ${text}`);
      response.writeHead(200, { 'content-type': 'application/json' }).end('{}');
    });
  });
  await new Promise<void>((resolve) => collector.listen(0, '127.0.0.1', resolve));
  const { port } = collector.address() as AddressInfo;
  // Jest's realm has typed arrays of its own, which the exporter does not take: the server runs as users start it.
  const child = spawn(process.execPath, [join(root, 'apps/api/dist/main.js')], {
    cwd: root,
    env: {
      ...process.env,
      NODE_OPTIONS: '',
      LIGHTWEIGHT_EMBEDDING: '1',
      PORT: '0',
      OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${port}/`,
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = once(child, 'exit');
  let url = '';
  for await (const line of createInterface(child.stdout)) {
    url = /"url":"([^"]+)"/.exec(line)?.[1] ?? '';
    if (url !== '') break;
  }
  const [trace, parent] = ['0af7651916cd43dd8448eb211c80319c', 'b7ad6b7169203331'];
  const answer = await fetch(`${url}/embed?secret=1`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', traceparent: `00-${trace}-${parent}-01` },
    body: '{"inputs": "zebrafinch"}',
  });
  await answer.arrayBuffer();
  child.kill('SIGTERM');
  await ended;
  await new Promise((resolve) => collector.close(resolve));
  const sent = received.join('\n');
  expect(sent).toContain('/v1/traces');
  expect(sent).toContain(trace);
  expect(sent).toContain(parent);
  expect(sent).toContain('POST /embed');
  expect(sent).toContain('kimera-embed');
  expect(sent).toContain(answer.headers.get('x-embedding-space'));
  expect(sent).not.toMatch(/zebrafinch|secret/);
});
