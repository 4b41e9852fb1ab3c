import { createServer, request as forward } from 'node:http';
import type { AddressInfo } from 'node:net';
import { startServer } from '@kimera/api';
import { parseConfiguration } from '@kimera/serving';
import { pino } from 'pino';
import { KEY, RETRY_AFTER, ROOT } from './contract.js';

export interface Servers {
  readonly url: string;
  readonly busy: string;
  close(): Promise<void>;
}

/** A server on the shipped model, in full precision as the contract's vectors are, and one in front of it that refuses the first request below each first segment of a path, and each below `always`. */
export async function startServers(): Promise<Servers> {
  const server = await startServer(
    parseConfiguration({ KIMERA_API_KEYS: KEY, KIMERA_VARIANT: 'full', PORT: '0' }, ROOT),
    pino({ enabled: false }),
  );
  const relay = createBusyRelay(server.url);
  await new Promise<void>((resolve) => relay.listen(0, '127.0.0.1', resolve));
  const { port } = relay.address() as AddressInfo;
  return {
    url: server.url,
    busy: `http://127.0.0.1:${port}`,
    close: async () => {
      relay.closeAllConnections();
      await new Promise((resolve) => relay.close(resolve));
      await server.close();
    },
  };
}

function createBusyRelay(url: string) {
  const seen = new Set<string>();
  return createServer((incoming, outgoing) => {
    const [, segment = '', rest = ''] = /^\/([^/]+)(.*)$/.exec(incoming.url ?? '') ?? [];
    if (!seen.has(segment)) {
      if (segment !== 'always') seen.add(segment);
      const message = 'the queue is full: the limit is 1 token';
      incoming.resume();
      outgoing
        .writeHead(429, { 'content-type': 'application/json', 'retry-after': String(RETRY_AFTER) })
        .end(
          JSON.stringify(
            rest.startsWith('/v1')
              ? { error: { message, type: 'rate_limit_exceeded', param: null, code: 'overloaded' } }
              : { error: message, error_type: 'Overloaded' },
          ),
        );
      return;
    }
    const onward = forward(
      url + (rest === '' ? '/' : rest),
      { method: incoming.method ?? 'GET', headers: incoming.headers },
      (answer) => {
        outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(outgoing);
      },
    );
    onward.on('error', () => outgoing.destroy());
    incoming.pipe(onward);
  });
}
