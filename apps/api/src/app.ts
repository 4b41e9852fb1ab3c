import express, { type ErrorRequestHandler, type Express, type Request } from 'express';
import type { AppParts } from './app-parts.js';
import { contractOf, sendError, toHttpError } from './http/refusals/error-mapping.js';
import { REFUSALS } from './http/refusals/refusals.js';
import { checkFraming } from './http/admission/check-framing.js';
import { checkExpectation } from './http/bodies/expect-continue.js';
import { isAnswered } from './http/bodies/unread-body.js';
import { crossOrigin } from './http/admission/cross-origin.js';
import { pathPrefix } from './http/admission/path-prefix.js';
import { securityHeaders } from './http/admission/security-headers.js';
import { measured } from './http/answers/request-measure.js';
import { nameRequests, requestIdOf } from './http/admission/request-id.js';
import { addRoutes, get, type Route } from './http/route.js';
import { z } from 'zod';
import { limitRequests } from './http/admission/caller.js';
import { guard } from './http/admission/guard.js';
import { limitRate } from './http/admission/rate-limit.js';
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
import { teiUnsupportedRoutes } from './routes/tei/unsupported.js';

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
      const status = isAnswered(response) ? response.statusCode : goneStatus;
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
  const pages = crossOrigin(corsOrigins);
  app.use(securityHeaders);
  app.use(pages.headers);
  app.use(checkFraming);
  app.use(checkExpectation);
  app.use(pages.preflight);
  if (prefix !== '')
    app.use(
      pathPrefix(
        prefix,
        open.filter((path) => path !== '/'),
      ),
    );
  app.use(guard(parts.apiKeys, open));
  app.use(limitRequests(parts.limits));
  const { requestsPerMinute } = parts.limits;
  if (requestsPerMinute !== undefined) app.use(limitRate(requestsPerMinute));
  addRoutes(app, routes, parts.bodyLimitBytes);
  app.use((request) => {
    throw new HttpError('not_found', `there is no ${request.method} ${request.path}`);
  });
  const refuse: ErrorRequestHandler = (error: unknown, request, response, next) => {
    const refusal = toHttpError(error, parts.models.closing);
    if (refusal.code === 'internal')
      parts.logger.error({ request: requestIdOf(request), err: error }, 'a request failed');
    // The client closed the connection: an answer would not reach it, and would count as an answered request.
    if (refusal.code === 'client_closed_request' || request.socket.destroyed) return;
    // An answer that has begun cannot be taken back: Express ends its connection.
    if (response.headersSent) next(error);
    else sendError(response, refusal, contractOf(request.path));
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
    ...teiUnsupportedRoutes(),
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
