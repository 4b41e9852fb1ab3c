import type { Express, RequestHandler } from 'express';
import { HttpError } from '../errors.js';

export interface Route {
  readonly method: 'GET' | 'POST';
  /** Express's syntax; several for one and the same. */
  readonly paths: readonly string[];
  /** Answered without a key. */
  readonly open?: true;
  readonly handle: RequestHandler;
}

/** Adds the routes to the app; their paths refuse other methods with 405 and Allow. */
export function addRoutes(app: Express, routes: readonly Route[]): void {
  for (const path of new Set(routes.flatMap(({ paths }) => paths))) {
    const here = routes.filter(({ paths }) => paths.includes(path));
    const route = app.route(path);
    for (const { method, handle } of here) {
      if (method === 'GET') route.get(handle);
      else route.post(handle);
    }
    const allowed = here.flatMap(({ method }) => (method === 'GET' ? ['GET', 'HEAD'] : [method])).join(', ');
    route.all((request, response) => {
      response.setHeader('Allow', allowed);
      throw new HttpError('method_not_allowed', `${request.path} answers ${allowed}, not ${request.method}`);
    });
  }
}
