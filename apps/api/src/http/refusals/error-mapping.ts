import { KimeraError } from '@kimera/core';
import { NoBackendError, QueueFullError } from '@kimera/embedder';
import { ModelMemoryError } from '@kimera/serving';
import type { Response } from 'express';
import { HttpError } from '../../errors.js';
import { CONTENT_ENCODINGS } from '../bodies/content-encoding.js';
import { LONGEST_RETRY_SECONDS, SHORTEST_RETRY_SECONDS, USUAL_RETRY_SECONDS } from '../limits.js';
import { REFUSALS, refusalOf, rowOf, type Contract, type HttpErrorCode } from './refusals.js';
import { endBeforeBody, hasUnreadBody } from '../bodies/unread-body.js';

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
  return new HttpError('internal', REFUSALS.internal.message);
}

/** @param now milliseconds since 1970. */
export function sendError(response: Response, error: HttpError, contract: Contract, now = Date.now()): void {
  const [status] = REFUSALS[error.code][contract];
  const seconds = retryAfter(error, now);
  if (seconds !== undefined) response.setHeader('Retry-After', String(seconds));
  // What follows on this connection may not be what the client means by it.
  if (error.code === 'malformed_request') response.setHeader('Connection', 'close');
  if (status === 401) response.setHeader('WWW-Authenticate', 'Bearer');
  if (error.code === 'unsupported_content_encoding')
    response.setHeader('Accept-Encoding', CONTENT_ENCODINGS.join(', '));
  const body = bodyOf(error, contract);
  response.status(status);
  if (!hasUnreadBody(response.req)) {
    response.json(body);
    return;
  }
  response.setHeader('Content-Type', 'application/json; charset=utf-8');
  endBeforeBody(response.req, response, JSON.stringify(body));
}

/** In the form of the contract. */
export function bodyOf(error: HttpError, contract: Contract): object {
  const [, type] = REFUSALS[error.code][contract];
  return contract === 'openai'
    ? { error: { message: error.message, type, param: error.param, code: error.code } }
    : { error: error.message, error_type: type };
}

/** A path in any case, as routes are found, and behind any prefix. */
export function contractOf(path: string): Contract {
  return /\/v1(?:\/|$)/i.test(path) ? 'openai' : 'tei';
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
  if (code === 'store_unavailable' || code === 'space_changed' || cause instanceof ModelMemoryError)
    return USUAL_RETRY_SECONDS;
  if (!(cause instanceof QueueFullError || cause instanceof NoBackendError)) return undefined;
  if (cause.retryAt === undefined) return USUAL_RETRY_SECONDS;
  const seconds = Math.ceil((cause.retryAt - now) / 1000);
  return Math.min(Math.max(seconds, SHORTEST_RETRY_SECONDS), LONGEST_RETRY_SECONDS);
}
