import type { Server, ServerResponse } from 'node:http';
import { PROBE_MILLISECONDS } from '../limits.js';

/** A client may end its side of the connection once its request is sent, and still gets its answer. */
export function allowHalfClosed(server: Server): void {
  // Of Node's http server since version 0.x, without a type: without it the end of the client's side drops the request.
  Object.assign(server, { httpAllowHalfOpen: true });
}

/**
 * A client that ended its side may be gone altogether: TCP shows that only when something is sent to it. An answer that
 * takes long is preceded by `100 Continue`, which every client skips; a connection that is closed fails on it, and its
 * work is dropped.
 */
export function probeHalfClosed(response: ServerResponse): void {
  const { socket, httpVersionMinor } = response.req;
  if (httpVersionMinor < 1) return;
  let timer: NodeJS.Timeout | undefined;
  const probe = (): void => {
    if (!response.headersSent && !response.destroyed) response.writeContinue();
  };
  const watch = (): void => {
    timer = setInterval(probe, PROBE_MILLISECONDS).unref();
  };
  if (socket.readableEnded) watch();
  else socket.once('end', watch);
  response.once('close', () => {
    clearInterval(timer);
    socket.off('end', watch);
  });
}
