import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startDemoServer } from './demo-server.js';

const here = fileURLToPath(new URL('..', import.meta.url));
const server = await startDemoServer({
  pagePath: join(here, 'dist/page'),
  modelPath: process.argv[2] ?? join(here, '../../models/all-MiniLM-L6-v2'),
  port: Number(process.env['PORT'] ?? 4173),
});
process.stdout.write(`${server.url}\n`);
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void server.close());
