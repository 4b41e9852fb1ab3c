import { createServer, type RequestListener, type Server } from 'node:http';
import type { ServiceLimits, WebSettings } from '@kimera/serving';
import type { Logger } from 'pino';
import type { Metrics } from '../../metrics.js';
import { answerClientErrors } from './client-errors.js';
import { Connections } from './connections.js';
import { connectionsAtMost } from './descriptors.js';
import { expectContinue } from '../bodies/expect-continue.js';
import { allowHalfClosed } from './half-closed.js';

/** How often a slow request is looked for. */
const CHECK_MILLISECONDS = 1_000;
/** Refused connections are told at most this often: there may be thousands a second. */
const TELL_MILLISECONDS = 10_000;

export interface HttpServerParts {
  readonly limits: ServiceLimits;
  readonly corsOrigins: WebSettings['corsOrigins'];
  readonly metrics: Pick<Metrics, 'request' | 'refusedConnection' | 'cutOffClient' | 'watchConnections'>;
  readonly logger: Logger;
}

/** An HTTP server that waits for its clients within limits, and says what it refuses. It does not listen yet. */
export function createHttpServer(
  listener: RequestListener,
  { limits, corsOrigins, metrics, logger }: HttpServerParts,
): { readonly server: Server; readonly connections: Connections } {
  const bodyMilliseconds = limits.bodySeconds * 1_000;
  const server = createServer(
    {
      keepAliveTimeout: limits.keepAliveSeconds * 1_000,
      headersTimeout: Math.min(limits.headersSeconds * 1_000, bodyMilliseconds),
      requestTimeout: bodyMilliseconds,
      connectionsCheckingInterval: CHECK_MILLISECONDS,
      // Refused by check-framing.ts, in the words of the contract.
      requireHostHeader: false,
    },
    listener,
  );
  expectContinue(server);
  allowHalfClosed(server);
  const connections = new Connections(server, {
    writeMilliseconds: limits.writeSeconds * 1_000,
    onCutOff: ({ method, url }) => {
      metrics.cutOffClient();
      logger.warn(
        { method, path: url?.split('?')[0], seconds: limits.writeSeconds },
        'a client that took nothing of its answer was cut off',
      );
    },
  });
  metrics.watchConnections(() => connections.count);
  answerClientErrors(server, {
    corsOrigins,
    onRefused: ({ request, status, path, reason }) => {
      metrics.request('other', status, 0);
      logger.info({ request, path, status, reason }, 'request');
    },
  });
  limitConnections(server, { limits, metrics, logger });
  // Before, it is the one who listens that is told.
  server.once('listening', () =>
    server.on('error', (err) => logger.error({ err }, 'the server could not accept a connection')),
  );
  return { server, connections };
}

/**
 * Beyond the limit a new connection is closed, and the log says so. The limit is never more than the descriptors of the
 * process: beyond those the system closes connections without a word.
 */
function limitConnections(server: Server, { limits, metrics, logger }: Omit<HttpServerParts, 'corsOrigins'>): void {
  const ofSystem = connectionsAtMost();
  server.maxConnections = Math.min(limits.connections, ofSystem);
  if (ofSystem < limits.connections)
    logger.warn(
      { connections: ofSystem, asked: limits.connections },
      'the system gives this process fewer descriptors than MAX_CONNECTIONS needs: ulimit -n',
    );
  let refused = 0;
  let told = Number.NEGATIVE_INFINITY;
  server.on('drop', () => {
    metrics.refusedConnection();
    refused += 1;
    const now = performance.now();
    if (now - told < TELL_MILLISECONDS) return;
    logger.warn({ refused, limit: server.maxConnections }, 'connections were refused: too many are open');
    told = now;
    refused = 0;
  });
}
