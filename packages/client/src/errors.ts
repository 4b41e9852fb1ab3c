import { KimeraError, type ErrorKind } from '@kimera/core';

/** What the server said of a request that it refused. */
export interface Refusal {
  /** HTTP status. */
  readonly status: number;
  /** The server's own code: `model_not_found`. */
  readonly reason: string;
  readonly message: string;
  /** Field of the request that is wrong. */
  readonly param: string | null;
  /** `x-request-id`: what to look for in the server's log. */
  readonly requestId: string | null;
  /** Of `Retry-After`. */
  readonly retryAfterMilliseconds: number | undefined;
}

/** The server answered, and refused. */
export abstract class ApiError extends KimeraError {
  abstract override readonly kind: ErrorKind;
  constructor(readonly refusal: Refusal) {
    const { status, reason, param, requestId } = refusal;
    super(`${refusal.message} (${status}${requestId === null ? '' : `, request ${requestId}`})`, {
      status,
      reason,
      param,
      requestId,
    });
  }
}

/** 400, 405, 415, 422 and other statuses that say that the request is wrong. */
export class RequestRefusedError extends ApiError {
  readonly code = 'REQUEST_REFUSED';
  readonly kind = 'caller';
}

/** A text beyond the limit that was not to be cut: `truncate: true` cuts it. */
export class TextTooLongError extends ApiError {
  readonly code = 'TEXT_TOO_LONG';
  readonly kind = 'caller';
}

/** 401: no key, or one that the server does not know. */
export class KeyRefusedError extends ApiError {
  readonly code = 'KEY_REFUSED';
  readonly kind = 'caller';
}

/** 403: the key may not do this. */
export class NotAllowedError extends ApiError {
  readonly code = 'NOT_ALLOWED';
  readonly kind = 'caller';
}

/** No model or collection of that name; the message lists those that are there. */
export class UnknownModelError extends ApiError {
  readonly code = 'UNKNOWN_MODEL';
  readonly kind = 'caller';
}

/** Another 404. */
export class NotFoundError extends ApiError {
  readonly code = 'NOT_FOUND';
  readonly kind = 'caller';
}

/** 413: smaller `chunkTexts` or `chunkCharacters` are needed. */
export class RequestTooLargeError extends ApiError {
  readonly code = 'REQUEST_TOO_LARGE';
  readonly kind = 'caller';
}

/** The model is in another space than the one that was asked for. */
export class SpaceRefusedError extends ApiError {
  readonly code = 'SPACE_REFUSED';
  readonly kind = 'refused';
}

/** 429, after all retries. */
export class OverloadedError extends ApiError {
  readonly code = 'OVERLOADED';
  readonly kind = 'retryable';
}

/** 408, 502, 503 and 504, after all retries. */
export class ServerUnavailableError extends ApiError {
  readonly code = 'SERVER_UNAVAILABLE';
  readonly kind = 'retryable';
}

/** Another 5xx: a fault of the server, whose log has the request's id. */
export class ServerFaultError extends ApiError {
  readonly code = 'SERVER_FAULT';
  readonly kind = 'internal';
}

/** The server could not be reached, or the connection ended early, after all retries. */
export class ConnectionFailedError extends KimeraError {
  readonly code = 'CONNECTION_FAILED';
  readonly kind = 'retryable';
  constructor(url: string, options: ErrorOptions) {
    super(`no answer from ${url}`, { url }, options);
  }
}

/** No answer in time, after all retries. */
export class RequestTimeoutError extends KimeraError {
  readonly code = 'REQUEST_TIMEOUT';
  readonly kind = 'retryable';
  constructor(url: string, milliseconds: number) {
    super(`no answer from ${url} in ${milliseconds} ms`, { url, milliseconds });
  }
}

/** An answer of another form than this client knows: perhaps another program listens there. */
export class UnexpectedAnswerError extends KimeraError {
  readonly code = 'UNEXPECTED_ANSWER';
  readonly kind = 'internal';
  constructor(url: string, problem: string) {
    super(`unexpected answer from ${url}: ${problem}`, { url, problem });
  }
}

/** An option of the client that cannot be used. */
export class ClientOptionError extends KimeraError {
  readonly code = 'CLIENT_OPTION';
  readonly kind = 'caller';
  constructor(option: string, value: string | number, expected: string) {
    super(`${option} is ${value}: expected ${expected}`, { option, value, expected });
  }
}

/** Which class a refusal becomes: by the server's code, else by the status. */
export function apiError(refusal: Refusal): ApiError {
  const ByReason = BY_REASON[refusal.reason];
  if (ByReason !== undefined) return new ByReason(refusal);
  const { status } = refusal;
  const ByStatus = BY_STATUS[status] ?? (status >= 500 ? ServerFaultError : RequestRefusedError);
  return new ByStatus(refusal);
}

type ApiErrorClass = new (refusal: Refusal) => ApiError;

const BY_REASON: Readonly<Record<string, ApiErrorClass>> = {
  input_too_long: TextTooLongError,
  model_not_found: UnknownModelError,
  collection_not_found: UnknownModelError,
  space_mismatch: SpaceRefusedError,
};
const BY_STATUS: Readonly<Record<number, ApiErrorClass>> = {
  401: KeyRefusedError,
  403: NotAllowedError,
  404: NotFoundError,
  408: ServerUnavailableError,
  413: RequestTooLargeError,
  429: OverloadedError,
  502: ServerUnavailableError,
  503: ServerUnavailableError,
  504: ServerUnavailableError,
};
