import type { WebSettings } from '@kimera/serving';
import cors from 'cors';
import type { Request, RequestHandler } from 'express';
import { HttpError } from '../../errors.js';

/** Headers of answers that pages may read. */
const EXPOSED = [
  'x-request-id',
  'x-embedding-space',
  'x-embedding-variant',
  'x-truncated-inputs',
  'retry-after',
  'ratelimit',
  'ratelimit-policy',
  'allow',
  'www-authenticate',
  'accept-encoding',
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

/** Characters of the headers that a preflight may ask for: SDKs send a dozen of their own beside Authorization. */
const LONGEST_PREFLIGHT = 2_048;

/** Lets pages of some origins ask (CORS). */
export interface CrossOrigin {
  /** Headers of every answer, those of refusals too: without them a page does not see the status. */
  readonly headers: RequestHandler;
  /**
   * Answers a preflight, before any key and any path is looked at, and allows the headers that it asks for. Any other
   * OPTIONS goes on.
   */
  readonly preflight: RequestHandler;
}

export function crossOrigin(origins: WebSettings['corsOrigins']): CrossOrigin {
  if (origins.length === 0) {
    const pass: RequestHandler = (_request, _response, next) => next();
    return { headers: pass, preflight: pass };
  }
  const options = {
    origin: origins === 'any' ? '*' : [...origins],
    methods: ['GET', 'HEAD', 'POST'],
    exposedHeaders: EXPOSED,
    maxAge: MAX_AGE_SECONDS,
  };
  const plain = cors({ ...options, preflightContinue: true });
  const answer = cors(options);
  return {
    headers: (request, response, next) => (isPreflight(request) ? next() : plain(request, response, next)),
    preflight: (request, response, next) => {
      if (!isPreflight(request)) {
        next();
        return;
      }
      const { length } = request.get('access-control-request-headers') ?? '';
      if (length > LONGEST_PREFLIGHT)
        throw new HttpError(
          'headers_too_large',
          `Access-Control-Request-Headers has ${length} characters, the limit is ${LONGEST_PREFLIGHT}`,
        );
      answer(request, response, next);
    },
  };
}

/** For an answer that is made before there is a request. @param origin that it came from, where that is known. */
export function originHeaders(origins: WebSettings['corsOrigins'], origin: string | undefined): readonly string[] {
  if (origins.length === 0) return [];
  const exposed = `Access-Control-Expose-Headers: ${EXPOSED.join(',')}`;
  if (origins === 'any') return ['Access-Control-Allow-Origin: *', exposed];
  const known = origins.find((one) => one === origin);
  return ['Vary: Origin', ...(known === undefined ? [] : [`Access-Control-Allow-Origin: ${known}`, exposed])];
}

function isPreflight({ method, headers }: Pick<Request, 'method' | 'headers'>): boolean {
  return method === 'OPTIONS' && headers['access-control-request-method'] !== undefined;
}
