import { createHash, timingSafeEqual } from 'node:crypto';
import type { RequestHandler } from 'express';
import { HttpError } from './http-error.js';

const OPEN_PATHS = ['/health', '/ping', '/metrics'];

/** Bearer keys, compared in constant time; no keys, no guard. */
export function guard(apiKeys: readonly string[]): RequestHandler {
  const digests = apiKeys.map(digest);
  return (request, _response, next) => {
    if (digests.length === 0 || OPEN_PATHS.includes(request.path)) return next();
    const [scheme, key] = (request.headers.authorization ?? '').split(' ');
    const given = digest(key ?? '');
    const known = digests.filter((candidate) => timingSafeEqual(candidate, given)).length > 0;
    if (scheme?.toLowerCase() !== 'bearer' || !known)
      throw new HttpError('invalid_api_key', 'a valid key is needed: Authorization: Bearer KEY');
    next();
  };
}

function digest(key: string): Buffer {
  return createHash('sha256').update(key).digest();
}
