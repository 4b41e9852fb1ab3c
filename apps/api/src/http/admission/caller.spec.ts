import { once } from 'node:events';
import { createServer } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { parseApiKey } from '@kimera/serving';
import express from 'express';
import { z } from 'zod';
import { callerOf, limitRequests, type Caller } from './caller.js';
import { HttpError } from '../../errors.js';
import { guard } from './guard.js';
import { REFUSALS } from '../refusals/refusals.js';

describe.each([
  ['without keys', []],
  ['with keys', ['one', 'two']],
])('the caller of a request, %s', (_what, keys) => {
  const callers: Caller[] = [];
  const server = createServer(
    express()
      .use(
        guard(
          keys.flatMap((key) => parseApiKey(key) ?? []),
          ['/open'],
        ),
      )
      .use(limitRequests({ requestInputs: undefined, requestTokens: undefined, requestSeconds: 60 }))
      .use((request, response) => {
        callers.push(callerOf(response));
        if (request.path !== '/waits') response.end();
      })
      .use((error: unknown, _request: express.Request, response: express.Response, next: express.NextFunction) => {
        if (response.headersSent) next(error);
        else response.status(error instanceof HttpError ? REFUSALS[error.code].tei[0] : 500).end();
      }),
  );
  let url = '';
  beforeAll(async () => {
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    url = `http://127.0.0.1:${z.object({ port: z.int() }).parse(server.address()).port}`;
  });
  afterAll(() => {
    server.closeAllConnections();
    server.close();
  });
  const ask = (path: string, key: string, signal?: AbortSignal): Promise<Response> =>
    fetch(url + path, { headers: { authorization: `Bearer ${key}` }, ...(signal === undefined ? {} : { signal }) });

  it('takes the share of its key where keys are checked, else that of its address', async () => {
    callers.splice(0);
    for (const key of ['one', 'two', 'one', 'other']) await ask('/', key);
    await ask('/open', 'other');
    const clients = callers.map(({ client }) => client);
    if (keys.length === 0) expect(new Set(clients)).toEqual(new Set(['address 127.0.0.1']));
    else {
      expect(clients.length).toBe(4);
      expect(clients[0]).toBe(clients[2]);
      expect(new Set(clients).size).toBe(3);
      expect(clients[3]).toBe('address 127.0.0.1');
      expect(clients.join()).not.toContain('one');
    }
  });

  it('is gone once the connection is closed, which is not a shutdown', async () => {
    callers.splice(0);
    const controller = new AbortController();
    const asked = ask('/waits', 'one', controller.signal).catch(() => undefined);
    while (callers.length === 0) await new Promise((resolve) => setImmediate(resolve));
    const signal = callers[0]?.signal;
    expect(signal?.aborted).toBe(false);
    controller.abort();
    await asked;
    if (signal?.aborted === false) await once(signal, 'abort');
    expect(signal?.reason).toMatchObject({ code: 'client_closed_request', kind: 'caller' });
  });

  it('gives up at the deadline that it asks for', async () => {
    callers.splice(0);
    const headers = { authorization: 'Bearer one', 'x-request-timeout': '0.05' };
    const controller = new AbortController();
    const asked = fetch(`${url}/waits`, { headers, signal: controller.signal }).catch(() => undefined);
    while (callers.length === 0) await new Promise((resolve) => setImmediate(resolve));
    const signal = callers[0]?.signal;
    if (signal?.aborted === false) await once(signal, 'abort');
    controller.abort();
    await asked;
    expect(signal?.reason).toMatchObject({ code: 'deadline_exceeded', message: 'there was no answer within 0.05 s' });
    for (const wrong of ['soon', '0', '-1', '0x10', '1e3', 'Infinity', '1, 2', '0.0'])
      expect((await fetch(url, { headers: { ...headers, 'x-request-timeout': wrong } })).status).toBe(422);
  });
});
