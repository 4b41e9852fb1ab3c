import { once } from 'node:events';
import { createServer } from 'node:http';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { ClosedError, fromPortableError, InvalidTokenBatchError } from '@kimera/core';
import { NoBackendError, QueueFullError } from '@kimera/embedder';
import { ModelFolderNotFoundError } from '@kimera/model-folder';
import { ModelUnavailableError } from '@kimera/serving';
import express from 'express';
import { z } from 'zod';
import { contractOf, sendError, toHttpError } from './error-mapping.js';
import { HttpError } from '../../errors.js';

/** Refuses everything with the error of the path's last part, in the contract of the path. */
const NOW = 1_800_000_000_000;
const space = { modelId: 'a/model', fingerprint: 'f'.repeat(64) };
const refusals: Readonly<Record<string, unknown>> = {
  mismatch: new HttpError('space_mismatch', 'another space', 'model'),
  missing: new ModelUnavailableError('a/model', 'no folder', []),
  encoding: new URIError('URI malformed'),
  out: new NoBackendError(space, ['onnx: broken'], NOW + 9_001),
  tried: new NoBackendError(space, ['onnx: broken']),
  long: new NoBackendError(space, ['onnx: broken'], NOW + 3_600_000),
  past: new NoBackendError(space, ['onnx: broken'], NOW - 5_000),
  full: new QueueFullError(10, 40, NOW + 29_500),
  closed: new ClosedError('the embedder'),
  folder: new ModelFolderNotFoundError('/secret/path'),
  remote: fromPortableError({ name: 'Odd', code: 'ODD', kind: 'internal', message: 'a secret', fields: {} }, {}),
  ids: new InvalidTokenBatchError('odd ids'),
};
const server = createServer(
  express().use((request, response) =>
    sendError(
      response,
      toHttpError(refusals[request.path.split('/').at(-1) ?? ''], request.query['closing'] !== undefined),
      contractOf(request.path),
      NOW,
    ),
  ),
);
let url = '';
beforeAll(async () => {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  url = `http://127.0.0.1:${z.object({ port: z.int() }).parse(server.address()).port}`;
});
afterAll(async () => {
  server.close();
  await once(server, 'close');
});

it.each([
  [
    '/v1/mismatch',
    400,
    null,
    { error: { type: 'invalid_request_error', code: 'space_mismatch', param: 'model', message: 'another space' } },
  ],
  ['/mismatch', 422, null, { error: 'another space', error_type: 'Validation' }],
  ['/v1/out', 503, '10', { error: { type: 'service_unavailable', code: 'space_unavailable' } }],
  ['/out', 503, '10', { error_type: 'Unhealthy' }],
  ['/tried', 503, '2', { error_type: 'Unhealthy' }],
  ['/long', 503, '300', { error_type: 'Unhealthy' }],
  ['/past', 503, '1', { error_type: 'Unhealthy' }],
  ['/v1/missing', 503, null, { error: { code: 'space_unavailable', param: 'model' } }],
  ['/v1/full', 429, '30', { error: { type: 'rate_limit_exceeded', code: 'overloaded' } }],
  ['/full', 429, '30', { error_type: 'Overloaded' }],
  ['/v1/closed?closing', 503, null, { error: { code: 'shutting_down', message: 'the server is shutting down' } }],
  ['/v1/closed', 500, null, { error: { code: 'internal', message: 'the server failed on this request' } }],
  ['/folder', 500, null, { error: 'the server failed on this request', error_type: 'Backend' }],
  ['/remote', 500, null, { error: 'the server failed on this request', error_type: 'Backend' }],
  ['/v1/ids', 400, null, { error: { code: 'invalid_token_id', message: expect.stringContaining('LangChain') } }],
  ['/v1/encoding', 400, null, { error: { type: 'invalid_request_error', code: 'invalid_request' } }],
  ['/encoding', 422, null, { error_type: 'Validation' }],
])('%s is %i, Retry-After %s', async (path, status, retryAfter, body) => {
  const response = await fetch(url + path, { headers: { connection: 'close' } });
  expect([response.status, response.headers.get('retry-after')]).toEqual([status, retryAfter]);
  expect(await response.json()).toMatchObject(body);
});
