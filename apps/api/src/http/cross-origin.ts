import type { WebSettings } from '@kimera/serving';
import cors from 'cors';
import type { RequestHandler } from 'express';

/** Headers of answers that pages may read. */
const EXPOSED = [
  'x-request-id',
  'x-embedding-space',
  'x-embedding-variant',
  'x-truncated-inputs',
  'retry-after',
  'x-compute-type',
  'x-compute-time',
  'x-compute-characters',
  'x-compute-tokens',
  'x-total-time',
  'x-tokenization-time',
  'x-queue-time',
  'x-inference-time',
];
/** How long a browser may remember what a preflight said. */
const MAX_AGE_SECONDS = 600;

/**
 * Lets pages of these origins ask (CORS). A preflight is answered here, before any key is looked for, and allows the
 * headers that it asks for: SDKs send a dozen of their own beside Authorization. Any other OPTIONS goes on.
 */
export function crossOrigin(origins: WebSettings['corsOrigins']): RequestHandler {
  if (origins.length === 0) return (_request, _response, next) => next();
  const options = {
    origin: origins === 'any' ? '*' : [...origins],
    methods: ['GET', 'HEAD', 'POST'],
    exposedHeaders: EXPOSED,
    maxAge: MAX_AGE_SECONDS,
  };
  const preflight = cors(options);
  const plain = cors({ ...options, preflightContinue: true });
  return (request, response, next) => {
    const isPreflight = request.method === 'OPTIONS' && request.headers['access-control-request-method'] !== undefined;
    (isPreflight ? preflight : plain)(request, response, next);
  };
}
