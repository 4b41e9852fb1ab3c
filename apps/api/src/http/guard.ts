import { createHash, timingSafeEqual } from 'node:crypto';
import type { RequestHandler } from 'express';
import { HttpError } from '../errors.js';

/**
 * Bearer keys, compared in constant time; no keys, no guard. The hash of the key is `locals.key` from then on. @param
 * openPaths that GET and HEAD get without one.
 */
export function guard(apiKeys: readonly string[], openPaths: readonly string[]): RequestHandler {
  const digests = apiKeys.map(digest);
  return (request, response, next) => {
    if (digests.length === 0 || (isRead(request.method) && openPaths.includes(request.path))) {
      next();
      return;
    }
    const [scheme, key] = (request.headers.authorization ?? '').split(' ');
    const given = digest(key ?? '');
    const known = digests.filter((candidate) => timingSafeEqual(candidate, given)).length > 0;
    if (scheme?.toLowerCase() !== 'bearer' || !known)
      throw new HttpError('invalid_api_key', 'a valid key is needed: Authorization: Bearer KEY');
    response.locals['key'] = given.toString('hex');
    next();
  };
}

function digest(key: string): Buffer {
  return createHash('sha256').update(key).digest();
}

function isRead(method: string): boolean {
  return method === 'GET' || method === 'HEAD';
}
