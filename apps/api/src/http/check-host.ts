import type { RequestHandler } from 'express';
import { HttpError } from '../errors.js';

/** Two Host headers: a proxy in front may have gone by the other (RFC 9112, 3.2). */
export const checkHost: RequestHandler = (request, _response, next) => {
  const hosts = request.rawHeaders.filter((name, at) => at % 2 === 0 && name.toLowerCase() === 'host');
  if (hosts.length > 1) throw new HttpError('malformed_request', 'the request has more than one Host header');
  next();
};
