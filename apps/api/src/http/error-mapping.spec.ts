import { once } from 'node:events';
import { createServer } from 'node:http';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import express from 'express';
import { z } from 'zod';
import { contractOf, sendError, toHttpError } from './error-mapping.js';
import { HttpError } from './http-error.js';

/** Refuses everything with the error of the path's last part, in the contract of the path. */
const refusals: Readonly<Record<string, unknown>> = {
  mismatch: new HttpError('space_mismatch', 'another space', 'model'),
  unavailable: new HttpError('space_unavailable', 'not now', 'model'),
  encoding: new URIError('URI malformed'),
};
const server = createServer(
  express().use((request, response) =>
    sendError(response, toHttpError(refusals[request.path.split('/').at(-1) ?? '']), contractOf(request.path)),
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
  ['/v1/unavailable', 503, '2', { error: { type: 'service_unavailable', code: 'space_unavailable' } }],
  ['/unavailable', 503, '2', { error_type: 'Unhealthy' }],
  ['/v1/encoding', 400, null, { error: { type: 'invalid_request_error', code: 'invalid_request' } }],
  ['/encoding', 422, null, { error_type: 'Validation' }],
])('%s is %i, Retry-After %s', async (path, status, retryAfter, body) => {
  const response = await fetch(url + path, { headers: { connection: 'close' } });
  expect([response.status, response.headers.get('retry-after')]).toEqual([status, retryAfter]);
  expect(await response.json()).toMatchObject(body);
});
