import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { readFile } from 'node:fs/promises';
import { extname, join, normalize, sep } from 'node:path';
import { openOnnxBackend } from '@kimera/backend-onnx';
import { openEmbedder } from '@kimera/embedder';
import { z } from 'zod';

export interface DemoServerOptions {
  /** The built page. */
  readonly pagePath: string;
  readonly modelPath: string;
  /** 0: any free one. */
  readonly port: number;
}

export interface DemoServer {
  readonly url: string;
  close(): Promise<void>;
}

/** With these a page is cross-origin isolated, and WebAssembly may have threads. */
const ISOLATION = { 'cross-origin-opener-policy': 'same-origin', 'cross-origin-embedder-policy': 'require-corp' };
const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.mjs': 'text/javascript',
  '.css': 'text/css',
  '.json': 'application/json',
  '.wasm': 'application/wasm',
};
const BODY_LIMIT = 100_000;
const bodySchema = z.object({ texts: z.array(z.string()).max(64) });

/**
 * Serves the page, the model folder under /model, and the native backend's vectors under POST /embed, to this machine
 * alone.
 */
export async function startDemoServer({ pagePath, modelPath, port }: DemoServerOptions): Promise<DemoServer> {
  const embedder = await openEmbedder({
    modelPath,
    backends: [{ name: 'onnx', open: (folder) => openOnnxBackend({ folder }) }],
  });
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const path = decodeURIComponent(new URL(request.url ?? '/', 'http://localhost').pathname);
    if (request.method === 'POST' && path === '/embed') {
      const { texts } = bodySchema.parse(JSON.parse(await bodyOf(request)));
      const embeddings = await embedder.encodeBatch(texts);
      response.writeHead(200, { ...ISOLATION, 'content-type': 'application/json' });
      response.end(
        JSON.stringify({
          space: embedder.space.fingerprint,
          vectors: embeddings.map(({ dense }) => Array.from(dense ?? [])),
        }),
      );
      return;
    }
    const file = path.startsWith('/model/')
      ? inside(modelPath, path.slice('/model/'.length))
      : inside(pagePath, path === '/' ? 'index.html' : path.slice(1));
    const bytes = file === undefined ? undefined : await readFile(file).catch(() => undefined);
    response.writeHead(bytes === undefined ? 404 : 200, {
      ...ISOLATION,
      'content-type': TYPES[extname(file ?? '')] ?? 'application/octet-stream',
    });
    response.end(bytes);
  };
  const server = createServer((request, response) => {
    answer(request, response).catch((error: unknown) => {
      response.writeHead(400, ISOLATION);
      response.end(String(error));
    });
  });
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(port, '127.0.0.1', resolve));
  const address = server.address();
  if (typeof address !== 'object' || address === null) throw new Error('the server has no port');
  return {
    url: `http://127.0.0.1:${address.port}/`,
    async close() {
      server.closeAllConnections();
      await Promise.all([new Promise((resolve) => server.close(resolve)), embedder.close()]);
    },
  };
}

/** A file below the folder, or undefined where the path leads out of it. */
function inside(folder: string, path: string): string | undefined {
  const normal = normalize(path);
  return normal === '..' || normal.startsWith(`..${sep}`) ? undefined : join(folder, normal);
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  let body = '';
  for await (const chunk of request) {
    body += String(chunk);
    if (body.length > BODY_LIMIT) throw new Error(`a body of more than ${BODY_LIMIT} characters`);
  }
  return body;
}
