import type { RequestHandler } from 'express';
import { HttpError } from '../../errors.js';

/** A path as routes have it: they are found in any case, and with a slash at the end. */
export function routePath(path: string): string {
  return path.length > 1 ? path.replace(/\/$/, '').toLowerCase() : path;
}

/**
 * Takes the prefix off the path of a request. @param openPaths that answer without it too: what watches the server asks
 * it itself, past the proxy.
 */
export function pathPrefix(prefix: string, openPaths: readonly string[]): RequestHandler {
  return (request, _response, next) => {
    // A proxy may write the whole address: GET http://host/path.
    request.url = request.url.replace(/^https?:\/\/[^/?]*/i, '');
    const rest = request.url.startsWith(prefix) ? request.url.slice(prefix.length) : undefined;
    if (rest !== undefined && /^(?:[/?]|$)/.test(rest)) request.url = rest.startsWith('/') ? rest : `/${rest}`;
    else if (!openPaths.includes(routePath(request.path)))
      throw new HttpError('not_found', `there is no ${request.path}: all paths begin with ${prefix}`);
    next();
  };
}
