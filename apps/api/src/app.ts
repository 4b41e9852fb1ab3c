import express, { type ErrorRequestHandler, type Express, type Request } from 'express';
import type { AppParts } from './app-parts.js';
import { contractOf, sendError, toHttpError } from './http/error-mapping.js';
import { REFUSALS } from './http/refusals.js';
import { checkFraming } from './http/check-framing.js';
import { checkExpectation } from './http/expect-continue.js';
import { crossOrigin } from './http/cross-origin.js';
import { pathPrefix } from './http/path-prefix.js';
import { securityHeaders } from './http/security-headers.js';
import { measured } from './http/request-measure.js';
import { nameRequests, requestIdOf } from './http/request-id.js';
import { addRoutes, get, type Route } from './http/route.js';
import { z } from 'zod';
import { limitRequests } from './http/caller.js';
import { guard } from './http/guard.js';
import { limitRate } from './http/rate-limit.js';
import { HttpError } from './errors.js';
import { createMetrics, type Metrics } from './metrics.js';
import { collectionRoutes } from './routes/collections.js';
import { docsRoutes } from './routes/docs.js';
import { encodeRoutes } from './routes/encode.js';
import { openaiRoutes } from './routes/openai.js';
import { probeRoutes } from './routes/probes.js';
import { scoreRoutes } from './routes/scores.js';
import { spaceRoutes } from './routes/spaces.js';
import { teiEmbedRoutes } from './routes/tei/embed.js';
import { teiInfoRoutes } from './routes/tei/info.js';
import { teiSimilarityRoutes } from './routes/tei/similarity.js';
import { teiTokenizeRoutes } from './routes/tei/tokenize.js';

/** The server's routes over its parts; no listening, no environment. */
export function createApp(parts: AppParts, metrics = createMetrics(() => parts.names.all, parts.keeper)): Express {
  const app = express();
  const routes = routesOf(parts, metrics);
  const pathsOf = (some: readonly Route[]): readonly string[] => some.flatMap(({ paths }) => paths);
  const known = pathsOf(routes);
  const [goneStatus] = REFUSALS.client_closed_request.tei;
  const open = pathsOf(routes.filter((route) => route.open === true));
  const { corsOrigins, pathPrefix: prefix, trustedProxies } = parts.web;
  app
    .disable('x-powered-by')
    .disable('etag')
    .set('trust proxy', [...trustedProxies]);
  app.use(nameRequests);
  if (parts.telemetry !== undefined) app.use(parts.telemetry.middleware);
  app.use((request, response, next) => {
    const started = performance.now();
    response.once('close', () => {
      const status = response.writableFinished ? response.statusCode : goneStatus;
      const milliseconds = performance.now() - started;
      metrics.request(routeOf(request, known), status, milliseconds / 1000, measured(response));
      parts.logger.info(
        {
          request: requestIdOf(request),
          method: request.method,
          path: request.path,
          status,
          milliseconds: Math.round(milliseconds),
        },
        'request',
      );
    });
    next();
  });
  app.use(securityHeaders);
  if (prefix !== '')
    app.use(
      pathPrefix(
        prefix,
        open.filter((path) => path !== '/'),
      ),
    );
  app.use(checkFraming);
  app.use(checkExpectation);
  app.use(crossOrigin(corsOrigins));
  app.use(guard(parts.apiKeys, open));
  app.use(limitRequests(parts.limits));
  const { requestsPerMinute } = parts.limits;
  if (requestsPerMinute !== undefined) app.use(limitRate(requestsPerMinute));
  addRoutes(app, routes, parts.bodyLimitBytes);
  app.use((request) => {
    throw new HttpError('not_found', `there is no ${request.method} ${request.path}`);
  });
  const refuse: ErrorRequestHandler = (error: unknown, request, response, next) => {
    if (response.headersSent) {
      next(error);
      return;
    }
    const refusal = toHttpError(error, parts.models.closing);
    if (refusal.code === 'internal')
      parts.logger.error({ request: requestIdOf(request), err: error }, 'a request failed');
    // The client closed the connection: an answer would not reach it, and would count as an answered request.
    if (refusal.code === 'client_closed_request' || request.socket.destroyed) return;
    sendError(response, refusal, contractOf(request.path));
  };
  app.use(refuse);
  return app;
}

/** All routes that there are. */
function routesOf(parts: AppParts, metrics: Metrics): readonly Route[] {
  const routes: readonly Route[] = [
    ...openaiRoutes(parts),
    ...encodeRoutes(parts),
    ...scoreRoutes(parts),
    ...spaceRoutes(parts),
    ...collectionRoutes(parts),
    ...teiEmbedRoutes(parts),
    ...teiSimilarityRoutes(parts),
    ...teiTokenizeRoutes(parts),
    ...teiInfoRoutes(parts),
    ...probeRoutes(parts),
    get({
      paths: ['/metrics'],
      tag: 'Operations',
      summary: 'Prometheus metrics',
      scope: 'metrics',
      ...(parts.openMetrics ? { open: true } : {}),
      answer: z.string(),
      answerType: 'text/plain',
      handle: async (_request, response) => {
        response.type(metrics.contentType).send(await metrics.text());
      },
    }),
  ];
  return [...routes, ...docsRoutes({ routes, version: parts.version, prefix: parts.web.pathPrefix })];
}

/** The label of a request: a path as a route has it, whatever stands for its parameters; no other can come from outside. */
function routeOf(request: Request, known: readonly string[]): string {
  const route: unknown = request.route;
  const matched = typeof route === 'object' && route !== null && 'path' in route ? route.path : undefined;
  return known.find((path) => path === matched || path === request.path) ?? 'other';
}
