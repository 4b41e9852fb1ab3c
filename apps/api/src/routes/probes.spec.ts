import { createServer } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { expect, it } from '@jest/globals';
import { Embedder } from '@kimera/embedder';
import { ServingModels } from '@kimera/serving';
import { FakeBackend, fakeSpace, inlineBatchTokenizer } from '@kimera/testing';
import express from 'express';
import { addRoutes } from '../http/route.js';
import { probeRoutes } from './probes.js';

it('a process lives whatever its models do, and is ready while one serves and it does not close', async () => {
  const embedder = new Embedder({
    backend: new FakeBackend({ space: fakeSpace('a') }),
    tokenizer: inlineBatchTokenizer(),
    probes: [],
  });
  const serving = new ServingModels({ primary: embedder });
  const broken = new ServingModels({ primary: { path: '/gone', reason: 'the folder is gone' } });
  const answersOf = async (models: ServingModels): Promise<readonly unknown[]> => {
    const app = express();
    addRoutes(app, probeRoutes({ models }), 1);
    const server = createServer(app).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const answers = await Promise.all(
      ['/livez', '/health/live', '/readyz', '/health/ready'].map(async (path) => {
        const response = await fetch(`http://127.0.0.1:${port}${path}`);
        return [response.status, await response.json()];
      }),
    );
    server.closeAllConnections();
    server.close();
    return answers;
  };
  const ok = [200, { status: 'ok' }];
  const notReady = (reason: string) => [503, { status: 'not ready', reason }];
  expect(await answersOf(serving)).toEqual([ok, ok, ok, ok]);
  const gone = notReady('/gone: the folder is gone');
  expect(await answersOf(broken)).toEqual([ok, ok, gone, gone]);
  await serving.close();
  const closing = notReady('the server is shutting down');
  expect(await answersOf(serving)).toEqual([ok, ok, closing, closing]);
});
