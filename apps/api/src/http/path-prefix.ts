import type { RequestHandler } from 'express';
import { HttpError } from '../errors.js';

/**
 * Takes the prefix off the path of a request. @param openPaths that answer without it too: what watches the server asks
 * it itself, past the proxy.
 */
export function pathPrefix(prefix: string, openPaths: readonly string[]): RequestHandler {
  return (request, _response, next) => {
    const rest = request.url.startsWith(prefix) ? request.url.slice(prefix.length) : undefined;
    if (rest !== undefined && /^(?:[/?]|$)/.test(rest)) request.url = rest.startsWith('/') ? rest : `/${rest}`;
    else if (!openPaths.includes(request.path))
      throw new HttpError('not_found', `there is no ${request.path}: all paths begin with ${prefix}`);
    next();
  };
}
