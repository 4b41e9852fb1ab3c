import type { Server } from 'node:http';
import type { Connections } from './connections.js';
import { SHUTDOWN_GRACE_MILLISECONDS } from './limits.js';

/**
 * Stops accepting, answers what was accepted. Clients that keep the server waiting are cut off, every `grace`
 * milliseconds.
 */
export function closeServer(
  server: Server,
  connections: Connections,
  grace = SHUTDOWN_GRACE_MILLISECONDS,
): Promise<void> {
  return new Promise((resolve) => {
    const cutOff = setInterval(() => connections.closeWaiting(), grace).unref();
    server.close(() => {
      clearInterval(cutOff);
      resolve();
    });
    server.closeIdleConnections();
  });
}
