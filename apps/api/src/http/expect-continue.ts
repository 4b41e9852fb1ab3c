import type { IncomingMessage, Server, ServerResponse } from 'node:http';

const WAITING = new WeakSet<IncomingMessage>();

/**
 * A client that sends `Expect: 100-continue` sends its body once it is told to: `continueRequest` does when the body is
 * read, so that a request that is refused before costs no body.
 */
export function expectContinue(server: Server): void {
  server.on('checkContinue', (request, response) => {
    WAITING.add(request);
    server.emit('request', request, response);
  });
}

/** Whether the client still waits to be told. */
export function awaitsContinue(request: IncomingMessage): boolean {
  return WAITING.has(request);
}

/** Tells it, once. */
export function continueRequest(request: IncomingMessage, response: ServerResponse): void {
  if (WAITING.delete(request)) response.writeContinue();
}
