import type { Express, Request, RequestHandler, Response } from 'express';
import type { z } from 'zod';
import type { Scope } from '@kimera/serving';
import { HttpError } from '../errors.js';
import { needsScope } from './admission/guard.js';
import { readBody } from './bodies/read-body.js';
import { parse } from './fields/parse-body.js';

/** What the API document says of a route, beside its path. */
export interface RouteText {
  readonly summary: string;
  /** Heading under which it stands. */
  readonly tag: string;
  /** Of an answer with status 200. */
  readonly answer: z.ZodType;
  /** Its headers, by name: what they say. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Of an answer with status 503 that is no refusal. */
  readonly unavailable?: z.ZodType;
  /** Default application/json. */
  readonly answerType?: string;
}

export interface Route extends RouteText {
  readonly method: 'GET' | 'POST';
  /** Express's syntax; several for one and the same. */
  readonly paths: readonly string[];
  /** Answered without a key. */
  readonly open?: true;
  /** What a key must be allowed. Default embed. */
  readonly scope?: Scope;
  /** What parses the request. */
  readonly body?: z.ZodType;
  /** @param limit bytes of the body. */
  readonly handler: (limit: number) => RequestHandler;
}

interface GetRoute extends RouteText {
  readonly paths: readonly string[];
  readonly open?: true;
  readonly scope?: Scope;
  readonly handle: RequestHandler;
}

/** A route without a body; one that is sent is ignored. */
export function get({ handle, ...route }: GetRoute): Route {
  return { method: 'GET', ...route, handler: () => handle };
}

interface PostRoute<Body> extends RouteText {
  readonly paths: readonly string[];
  readonly scope?: Scope;
  /** Parses the request, and describes it in the API document. */
  readonly body: z.ZodType<Body>;
  readonly handle: (body: Body, request: Request, response: Response) => Promise<void>;
}

/** A route with a JSON body. */
export function post<Body>({ handle, ...route }: PostRoute<Body>): Route {
  return {
    method: 'POST',
    ...route,
    handler: (limit) => async (request, response) => {
      const json = await readBody(request, response, limit);
      await handle(parse(route.body, json), request, response);
    },
  };
}

/** Adds the routes to the app; their paths refuse other methods with 405 and Allow. @param limit bytes of a body. */
export function addRoutes(app: Express, routes: readonly Route[], limit: number): void {
  for (const path of new Set(routes.flatMap(({ paths }) => paths))) {
    const here = routes.filter(({ paths }) => paths.includes(path));
    const route = app.route(path);
    for (const { method, handler, scope = 'embed' } of here) {
      if (method === 'GET') route.get(needsScope(scope), handler(limit));
      else route.post(needsScope(scope), handler(limit));
    }
    const allowed = here.flatMap(({ method }) => (method === 'GET' ? ['GET', 'HEAD'] : [method])).join(', ');
    route.all((request, response) => {
      response.setHeader('Allow', allowed);
      throw new HttpError('method_not_allowed', `${request.path} answers ${allowed}, not ${request.method}`);
    });
  }
}
