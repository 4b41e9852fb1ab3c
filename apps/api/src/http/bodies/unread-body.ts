import type { IncomingMessage, ServerResponse } from 'node:http';
import { awaitsContinue } from './expect-continue.js';
import { UNREAD_BODY } from '../limits.js';

/** Whether the rest of the request is more than Node may read and drop to get to the next request. */
export function hasUnreadBody(request: IncomingMessage): boolean {
  if (request.complete) return false;
  const { 'content-length': length, 'transfer-encoding': coding } = request.headers;
  return awaitsContinue(request) || coding !== undefined || Number(length ?? 0) > UNREAD_BODY.bytes;
}

const SENT = new WeakSet<ServerResponse>();

/** Whether the client was sent the whole answer, also where it still sends a body that nobody reads. */
export function isAnswered(response: ServerResponse): boolean {
  return response.writableFinished || SENT.has(response);
}

/**
 * Ends an answer that is given before the whole request has come, and the connection with it. The answer goes out at
 * once; what the client still sends is dropped for a while, since a connection that is closed under a client that sends
 * may lose the answer.
 */
export function endBeforeBody(request: IncomingMessage, response: ServerResponse, text: string): void {
  response.setHeader('Connection', 'close').setHeader('Content-Length', Buffer.byteLength(text));
  if (awaitsContinue(request)) {
    // It has not begun to send.
    response.end(text);
    return;
  }
  response.write(text, (error) => {
    if (!error) SENT.add(response);
  });
  let left = UNREAD_BODY.bytes;
  const end = (): void => {
    clearTimeout(timer);
    request.off('data', drop).pause();
    response.end();
  };
  const drop = (chunk: Buffer): void => {
    left -= chunk.length;
    if (left < 0) end();
  };
  const timer = setTimeout(end, UNREAD_BODY.milliseconds).unref();
  request.on('data', drop).once('end', end).once('close', end).resume();
}
