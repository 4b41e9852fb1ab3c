import { KimeraError } from '@kimera/core';
import { NoBackendError, QueueFullError } from '@kimera/embedder';
import type { Response } from 'express';
import { HttpError } from '../errors.js';
import { LONGEST_RETRY_SECONDS, SHORTEST_RETRY_SECONDS, USUAL_RETRY_SECONDS } from './limits.js';
import { REFUSALS, refusalOf, rowOf, type Contract, type HttpErrorCode } from './refusals.js';

/**
 * Any error as a refusal of this server; what a client cannot act on becomes `internal`, without details. @param closing
 * whether the server is.
 */
export function toHttpError(error: unknown, closing: boolean): HttpError {
  if (error instanceof HttpError) return error;
  if (error instanceof KimeraError) {
    const code = refusalOf(error.code) ?? 'internal';
    return refuse(code === 'shutting_down' && !closing ? 'internal' : code, error);
  }
  if (error instanceof URIError) return new HttpError('invalid_request', 'the path is not percent-encoded UTF-8');
  const type = typeof error === 'object' && error !== null && 'type' in error ? error.type : undefined;
  if (type === 'entity.too.large') {
    const { limit, length } = error as { readonly limit?: number; readonly length?: number };
    return new HttpError('body_too_large', `the body has ${length ?? 'more'} bytes, the limit is ${limit ?? 'less'}`);
  }
  if (type === 'entity.parse.failed' || type === 'encoding.unsupported' || type === 'charset.unsupported')
    return new HttpError('malformed_json', 'the body is not JSON in UTF-8');
  if (type === 'request.aborted' || type === 'request.size.invalid')
    return new HttpError('malformed_json', 'the body ended early');
  return new HttpError('internal', REFUSALS.internal.message);
}

/** @param now milliseconds since 1970. */
export function sendError(response: Response, error: HttpError, contract: Contract, now = Date.now()): void {
  const [status, type] = REFUSALS[error.code][contract];
  const seconds = retryAfter(error, now);
  if (seconds !== undefined) response.setHeader('Retry-After', String(seconds));
  response.status(status);
  if (contract === 'openai')
    response.json({ error: { message: error.message, type, param: error.param, code: error.code } });
  else response.json({ error: error.message, error_type: type });
}

export function contractOf(path: string): Contract {
  return path.startsWith('/v1') ? 'openai' : 'tei';
}

function refuse(code: HttpErrorCode, error: KimeraError): HttpError {
  const { message = error.message, hint, param = null } = rowOf(code);
  const text = hint === undefined ? message : `${message}. ${hint}`;
  return new HttpError(code, text, param, code === 'internal' ? {} : error.fields, { cause: error });
}

/**
 * Seconds until a busy queue, a broken backend or a database is worth another try. Undefined for what does not change by
 * itself: a model whose folder could not be opened is not opened again.
 */
function retryAfter({ cause, code }: HttpError, now: number): number | undefined {
  if (code === 'store_unavailable' || code === 'space_changed') return USUAL_RETRY_SECONDS;
  if (!(cause instanceof QueueFullError || cause instanceof NoBackendError)) return undefined;
  if (cause.retryAt === undefined) return USUAL_RETRY_SECONDS;
  const seconds = Math.ceil((cause.retryAt - now) / 1000);
  return Math.min(Math.max(seconds, SHORTEST_RETRY_SECONDS), LONGEST_RETRY_SECONDS);
}
