import { randomUUID } from 'node:crypto';
import type { Request, RequestHandler } from 'express';

export const REQUEST_ID = 'x-request-id';
/** What can stand in a log line and a header as it is. */
const SANE = /^[\w.:+/=@-]{1,128}$/;

/** Every answer carries the id that its request came with, or one of its own. */
export const nameRequests: RequestHandler = (request, response, next) => {
  const given = request.get(REQUEST_ID);
  response.setHeader(REQUEST_ID, given !== undefined && SANE.test(given) ? given : randomUUID());
  next();
};

export function requestIdOf({ res }: Request): string {
  return String(res?.getHeader(REQUEST_ID));
}
