import { KimeraError } from '@kimera/core';
import type { Response } from 'express';
import { HttpError, type HttpErrorCode } from './http-error.js';

export type Contract = 'openai' | 'tei';
interface Mapping {
  readonly openai: readonly [status: number, type: string];
  readonly tei: readonly [status: number, type: string];
}

/** Every refusal in both contracts. */
const MAPPINGS = {
  invalid_request: { openai: [400, 'invalid_request_error'], tei: [422, 'Validation'] },
  empty_input: { openai: [400, 'invalid_request_error'], tei: [400, 'Empty'] },
  input_too_long: { openai: [400, 'invalid_request_error'], tei: [422, 'Validation'] },
  unsupported_dimensions: { openai: [400, 'invalid_request_error'], tei: [422, 'Validation'] },
  invalid_token_id: { openai: [400, 'invalid_request_error'], tei: [422, 'Tokenizer'] },
  invalid_api_key: { openai: [401, 'invalid_request_error'], tei: [401, 'Validation'] },
  model_not_found: { openai: [404, 'invalid_request_error'], tei: [404, 'Validation'] },
  not_found: { openai: [404, 'invalid_request_error'], tei: [404, 'Validation'] },
  method_not_allowed: { openai: [405, 'invalid_request_error'], tei: [405, 'Validation'] },
  body_too_large: { openai: [413, 'invalid_request_error'], tei: [413, 'Validation'] },
  unsupported_media_type: { openai: [415, 'invalid_request_error'], tei: [415, 'Validation'] },
  malformed_json: { openai: [400, 'invalid_request_error'], tei: [400, 'Validation'] },
  overloaded: { openai: [429, 'rate_limit_exceeded'], tei: [429, 'Overloaded'] },
  shutting_down: { openai: [503, 'service_unavailable'], tei: [503, 'Unhealthy'] },
  space_mismatch: { openai: [400, 'invalid_request_error'], tei: [422, 'Validation'] },
  space_unavailable: { openai: [503, 'service_unavailable'], tei: [503, 'Unhealthy'] },
  internal: { openai: [500, 'server_error'], tei: [500, 'Backend'] },
} as const satisfies Readonly<Record<HttpErrorCode, Mapping>>;

/** Seconds after which an overloaded server, or one whose backends are out, is worth another try. */
const RETRY_AFTER_SECONDS = 2;

/** Any error as a refusal of this server; what a client cannot act on becomes `internal`, without details. */
export function toHttpError(error: unknown): HttpError {
  if (error instanceof HttpError) return error;
  if (error instanceof KimeraError) {
    switch (error.code) {
      case 'QUEUE_FULL':
        return new HttpError('overloaded', error.message, null, error.fields);
      case 'WASM_TEXT_LENGTH':
        return new HttpError('input_too_long', error.message, 'input', error.fields);
      case 'TEXT_WITHOUT_DIRECTION':
        return new HttpError('invalid_request', error.message, 'input', error.fields);
      case 'NO_BACKEND':
      case 'MODEL_UNAVAILABLE':
        return new HttpError('space_unavailable', error.message, 'model', error.fields);
      case 'MODEL_NOT_SERVED':
        return new HttpError('model_not_found', error.message, 'model', error.fields);
      case 'SPACE_NOT_SERVED':
        return new HttpError('space_mismatch', error.message, 'model', error.fields);
      case 'CLOSED':
        return new HttpError('shutting_down', 'the server is shutting down');
      case 'INVALID_TOKEN_BATCH':
        return new HttpError(
          'invalid_token_id',
          `${error.message}. Token ids must be of this model; LangChain sends another model's unless check_embedding_ctx_length=False`,
          'input',
          error.fields,
        );
      default:
        return new HttpError('internal', 'the server failed on this request');
    }
  }
  if (error instanceof URIError) return new HttpError('invalid_request', 'the path is not percent-encoded UTF-8');
  const type = typeof error === 'object' && error !== null && 'type' in error ? error.type : undefined;
  if (type === 'entity.too.large') {
    const { limit, length } = error as { readonly limit?: number; readonly length?: number };
    return new HttpError('body_too_large', `the body has ${length ?? 'more'} bytes, the limit is ${limit}`);
  }
  if (type === 'entity.parse.failed' || type === 'encoding.unsupported' || type === 'charset.unsupported')
    return new HttpError('malformed_json', 'the body is not JSON in UTF-8');
  if (type === 'request.aborted' || type === 'request.size.invalid')
    return new HttpError('malformed_json', 'the body ended early');
  return new HttpError('internal', 'the server failed on this request');
}

export function sendError(response: Response, error: HttpError, contract: Contract): void {
  const [status, type] = MAPPINGS[error.code][contract];
  if (status === 429 || error.code === 'space_unavailable')
    response.setHeader('Retry-After', String(RETRY_AFTER_SECONDS));
  response.status(status);
  if (contract === 'openai')
    response.json({ error: { message: error.message, type, param: error.param, code: error.code } });
  else response.json({ error: error.message, error_type: type });
}

export function contractOf(path: string): Contract {
  return path.startsWith('/v1') ? 'openai' : 'tei';
}
