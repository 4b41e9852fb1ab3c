import {
  HubAccessError,
  type HubError,
  HubNotFoundError,
  HubStatusError,
  type HubSubject,
  HubUnavailableError,
} from '../errors.js';
import { parseRetryAfter } from './retry-after.js';

export interface StatusOptions {
  readonly url: string;
  readonly status: number;
  readonly headers: Headers;
  /** What was asked for. */
  readonly subject: HubSubject;
  /** Who answered: the hub, which may have been sent a token, or a store that it redirected to. */
  readonly origin: 'hub' | 'hub with token' | 'store';
  /** Milliseconds since 1970. */
  readonly now: number;
}

/** X-Error-Code of the hub (huggingface_hub 1.1, utils/_http.py hf_raise_for_status). */
const MISSING: ReadonlyMap<string | null, HubSubject> = new Map([
  ['RepoNotFound', 'model'],
  ['RevisionNotFound', 'revision'],
  ['EntryNotFound', 'file'],
] as const);

/** A status that is no answer as an error. */
export function statusError({ url, status, headers, subject, origin, now }: StatusOptions): HubError {
  if ((status === 401 || status === 403) && origin !== 'store')
    return new HubAccessError(url, status, origin === 'hub' ? 'absent' : 'sent');
  if (status === 404) return new HubNotFoundError(url, MISSING.get(headers.get('x-error-code')) ?? subject);
  if (status === 408 || status === 429 || status >= 500)
    return new HubUnavailableError(url, status, parseRetryAfter(headers.get('retry-after'), now));
  return new HubStatusError(url, status);
}
