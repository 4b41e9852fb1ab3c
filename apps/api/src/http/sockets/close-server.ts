import type { Server } from 'node:http';
import { Server as NetServer } from 'node:net';
import { setImmediate as turn, setTimeout as delay } from 'node:timers/promises';
import type { Connections } from './connections.js';
import { CLIENT_MILLISECONDS, QUIET_MILLISECONDS, TAKE_OVER } from '../limits.js';

export interface CloseServerOptions {
  /** After so long what is not answered yet is given up. */
  readonly graceMilliseconds: number;
  /** That a client has to finish sending its request, or to take its answer. */
  readonly clientMilliseconds?: number;
  /** A connection that has had no request for so long is closed. */
  readonly quietMilliseconds?: number;
}

/**
 * Stops accepting, and answers what was accepted: each answer closes its connection, and so do connections without a
 * request. Clients that keep the server waiting are cut off. @returns whether everything was answered in time; the
 * connections that are left stay open.
 */
export async function closeServer(
  server: Server,
  connections: Connections,
  {
    graceMilliseconds,
    clientMilliseconds = CLIENT_MILLISECONDS,
    quietMilliseconds = QUIET_MILLISECONDS,
  }: CloseServerOptions,
): Promise<'answered' | 'late'> {
  connections.closeAfterAnswers();
  await takeOver(connections);
  return new Promise((resolve) => {
    const idle = setInterval(() => connections.closeIdle(quietMilliseconds), Math.ceil(quietMilliseconds / 4));
    const waiting = setInterval(() => connections.closeWaiting(), clientMilliseconds);
    const end = (outcome: 'answered' | 'late'): void => {
      clearInterval(idle);
      clearInterval(waiting);
      clearTimeout(late);
      resolve(outcome);
    };
    const late = setTimeout(() => end('late'), graceMilliseconds);
    // Of net, not of http: the latter resets connections on which a request is on its way.
    NetServer.prototype.close.call(server, () => end('answered'));
    connections.closeIdle(quietMilliseconds);
  });
}

/**
 * Takes over what the system has accepted for this server, which would be reset otherwise: until no connection comes for
 * a moment, since clients that began together come one after the other; and within a bound, since they may come for ever.
 */
async function takeOver(connections: Connections): Promise<void> {
  const start = performance.now();
  let { accepted } = connections;
  let last = start;
  for (let now = start; now - last < TAKE_OVER.quietMilliseconds && now - start < TAKE_OVER.milliseconds;) {
    await delay(TAKE_OVER.lookMilliseconds);
    now = performance.now();
    if (connections.accepted === accepted) continue;
    ({ accepted } = connections);
    last = now;
  }
  // Those of this moment.
  await turn();
  await turn();
}
