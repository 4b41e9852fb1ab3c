import { KimeraError, type ErrorField, type ErrorKind } from '@kimera/core';

export type HttpErrorCode =
  | 'invalid_request'
  | 'empty_input'
  | 'input_too_long'
  | 'unsupported_dimensions'
  | 'invalid_token_id'
  | 'invalid_api_key'
  | 'model_not_found'
  | 'not_found'
  | 'method_not_allowed'
  | 'body_too_large'
  | 'unsupported_media_type'
  | 'malformed_json'
  | 'overloaded'
  | 'shutting_down'
  | 'space_mismatch'
  | 'space_unavailable'
  | 'internal';

/** A request that is refused, before it takes the form of its route's contract. */
const KINDS: Partial<Record<HttpErrorCode, ErrorKind>> = {
  overloaded: 'retryable',
  shutting_down: 'retryable',
  space_unavailable: 'retryable',
  internal: 'internal',
};

export class HttpError extends KimeraError {
  readonly kind: ErrorKind;
  constructor(
    readonly code: HttpErrorCode,
    message: string,
    readonly param: string | null = null,
    fields: Readonly<Record<string, ErrorField>> = {},
  ) {
    super(message, fields);
    this.kind = KINDS[code] ?? 'caller';
  }
}
