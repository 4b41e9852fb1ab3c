import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { RequestHandler } from 'express';
import { HttpError } from '../../errors.js';

const WAITING = new WeakSet<IncomingMessage>();
/** Requests that expect something else. */
const UNKNOWN = new WeakSet<IncomingMessage>();

/**
 * A client that sends `Expect: 100-continue` sends its body once it is told to: `continueRequest` does when the body is
 * read, so that a request that is refused before costs no body.
 */
export function expectContinue(server: Server): void {
  server.on('checkContinue', (request, response) => {
    WAITING.add(request);
    server.emit('request', request, response);
  });
  // Node would answer by itself, without a word.
  server.on('checkExpectation', (request, response) => {
    UNKNOWN.add(request);
    server.emit('request', request, response);
  });
}

/** What this server cannot do before the body comes (RFC 9110, 10.1.1). */
export const checkExpectation: RequestHandler = (request, _response, next) => {
  if (UNKNOWN.has(request))
    throw new HttpError(
      'expectation_failed',
      `Expect is ${JSON.stringify(String(request.headers.expect).slice(0, 100))}: this server does 100-continue alone`,
    );
  next();
};

/** Whether the client still waits to be told. */
export function awaitsContinue(request: IncomingMessage): boolean {
  return WAITING.has(request) || UNKNOWN.has(request);
}

/** Tells it, once. */
export function continueRequest(request: IncomingMessage, response: ServerResponse): void {
  if (WAITING.delete(request)) response.writeContinue();
}
