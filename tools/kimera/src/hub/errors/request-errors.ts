import { HubError } from './hub-error.js';

/** HF_HUB_OFFLINE is set. */
export class HubOfflineError extends HubError {
  readonly code = 'HUB_OFFLINE';
  readonly kind = 'refused';
  readonly retry = 'permanent';
  constructor(readonly value: string) {
    super(`HF_HUB_OFFLINE=${value} forbids every request to a hub`, { value });
  }
}

/** An environment variable of the hub with a value that cannot be used. The value is not shown: it may be a token. */
export class InvalidHubSettingError extends HubError {
  readonly code = 'INVALID_ENVIRONMENT';
  readonly kind = 'caller';
  readonly retry = 'permanent';
  constructor(
    readonly variable: string,
    readonly expected: string,
  ) {
    super(`${variable}: expected ${expected}`, { variable, expected });
  }
}

/** Not the name of a model or of a revision. */
export class InvalidModelNameError extends HubError {
  readonly code = 'INVALID_MODEL_NAME';
  readonly kind = 'caller';
  readonly retry = 'permanent';
  constructor(
    readonly value: string,
    readonly expected: string,
  ) {
    super(`${JSON.stringify(value)} is not ${expected}`, { value, expected });
  }
}

/** 401 or 403: a token is missing, wrong, or may not read this. */
export class HubAccessError extends HubError {
  readonly code = 'HUB_ACCESS';
  readonly kind = 'refused';
  readonly retry = 'permanent';
  constructor(
    readonly url: string,
    readonly status: number,
    readonly token: 'sent' | 'absent',
  ) {
    super(
      `${url} answered ${status}: ${token === 'sent' ? 'the token of HF_TOKEN may not read it, or there is no such model' : 'there is no such model, or it needs a token'}`,
      { url, status, token },
    );
  }
}

export type HubSubject = 'model' | 'revision' | 'model or revision' | 'file';

/** 404. */
export class HubNotFoundError extends HubError {
  readonly code = 'HUB_NOT_FOUND';
  readonly kind = 'caller';
  readonly retry = 'permanent';
  constructor(
    readonly url: string,
    readonly missing: HubSubject,
  ) {
    super(`${url}: there is no such ${missing}`, { url, missing });
  }
}

/** 408, 429 or 5xx: busy or broken for the moment. */
export class HubUnavailableError extends HubError {
  readonly code = 'HUB_UNAVAILABLE';
  readonly kind = 'retryable';
  readonly retry = 'retryable';
  /** @param retryAfter milliseconds that the hub asks to wait, or null where it does not say. */
  constructor(
    readonly url: string,
    readonly status: number,
    readonly retryAfter: number | null,
  ) {
    super(`${url} answered ${status}${retryAfter === null ? '' : ` and asks to wait ${retryAfter / 1000} s`}`, {
      url,
      status,
      retryAfter,
    });
  }
}

/** A status that no part of the protocol has. */
export class HubStatusError extends HubError {
  readonly code = 'HUB_STATUS';
  readonly kind = 'retryable';
  readonly retry = 'permanent';
  constructor(
    readonly url: string,
    readonly status: number,
  ) {
    super(`${url} answered ${status}`, { url, status });
  }
}

/** No connection, or one that ended too early. */
export class HubConnectionError extends HubError {
  readonly code = 'HUB_CONNECTION';
  readonly kind = 'retryable';
  readonly retry = 'retryable';
  constructor(
    readonly url: string,
    readonly reason: string,
    options?: ErrorOptions,
  ) {
    super(`${url}: ${reason}`, { url, reason }, options);
  }
}

/** An open connection on which nothing comes. */
export class HubStalledError extends HubError {
  readonly code = 'HUB_STALLED';
  readonly kind = 'retryable';
  readonly retry = 'retryable';
  constructor(
    readonly url: string,
    readonly milliseconds: number,
  ) {
    super(`${url}: nothing came for ${milliseconds / 1000} s`, { url, milliseconds });
  }
}

/** A redirect that is not followed. */
export class HubRedirectError extends HubError {
  readonly code = 'HUB_REDIRECT';
  readonly kind = 'refused';
  readonly retry = 'permanent';
  constructor(
    readonly url: string,
    readonly reason: string,
  ) {
    super(`${url} redirects: ${reason}`, { url, reason });
  }
}

/** An answer that breaks the protocol. */
export class InvalidHubAnswerError extends HubError {
  readonly code = 'INVALID_HUB_ANSWER';
  readonly kind = 'refused';
  readonly retry = 'permanent';
  constructor(
    readonly url: string,
    readonly reason: string,
  ) {
    super(`${url}: ${reason}`, { url, reason });
  }
}

/** A download that was begun cannot go on from its last byte; it starts over. */
export class HubRangeError extends HubError {
  readonly code = 'HUB_RANGE';
  readonly kind = 'retryable';
  readonly retry = 'retryable';
  constructor(
    readonly url: string,
    readonly from: number,
    readonly reason: string,
  ) {
    super(`${url} does not go on at byte ${from}: ${reason}`, { url, from, reason });
  }
}
