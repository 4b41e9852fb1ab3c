import { timingSafeEqual } from 'node:crypto';
import { keyDigest, type ApiKey, type Scope } from '@kimera/serving';
import type { RequestHandler } from 'express';
import { HttpError } from '../../errors.js';
import { routePath } from './path-prefix.js';

/**
 * Bearer keys, compared by their hashes in constant time; no keys, no guard. The hash of the key is `locals.key` from
 * then on, what it may do `locals.scopes`. @param openPaths that GET and HEAD get without one.
 */
export function guard(apiKeys: readonly ApiKey[], openPaths: readonly string[]): RequestHandler {
  const known = apiKeys.map(({ digest, scopes }) => ({ digest: Buffer.from(digest, 'hex'), scopes }));
  return (request, response, next) => {
    if (known.length === 0 || (isRead(request.method) && openPaths.includes(routePath(request.path)))) {
      next();
      return;
    }
    const [, key] = /^bearer +(\S+) *$/i.exec(request.headers.authorization ?? '') ?? [];
    const given = Buffer.from(keyDigest(key ?? ''), 'hex');
    // All of them, so that the time does not tell which one it was.
    const [found] = known.filter(({ digest }) => timingSafeEqual(digest, given));
    if (key === undefined || found === undefined)
      throw new HttpError('invalid_api_key', 'a valid key is needed: Authorization: Bearer KEY');
    response.locals['key'] = given.toString('hex');
    response.locals['scopes'] = found.scopes;
    next();
  };
}

/** After the guard: the key must have the scope. @throws HttpError. */
export function needsScope(scope: Scope): RequestHandler {
  return (request, response, next) => {
    const scopes = response.locals['scopes'] as readonly Scope[] | undefined;
    if (scopes !== undefined && !scopes.includes(scope) && !scopes.includes('admin'))
      throw new HttpError(
        'insufficient_scope',
        `${request.path} needs a key with the scope ${scope}; this one has ${scopes.join(', ')}`,
      );
    next();
  };
}

function isRead(method: string): boolean {
  return method === 'GET' || method === 'HEAD';
}
