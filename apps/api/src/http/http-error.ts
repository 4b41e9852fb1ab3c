import { KimeraError, type ErrorField } from '@kimera/core';

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
export class HttpError extends KimeraError {
  constructor(
    readonly code: HttpErrorCode,
    message: string,
    readonly param: string | null = null,
    fields: Readonly<Record<string, ErrorField>> = {},
  ) {
    super(message, fields);
  }
}
