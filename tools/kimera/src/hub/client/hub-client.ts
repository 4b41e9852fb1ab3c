import { HubConnectionError, HubRedirectError, HubStalledError, type HubSubject } from '../errors.js';
import type { HubSettings } from './hub-settings.js';
import { IdleGuard } from './idle-guard.js';
import type { Pace } from './pace.js';
import { statusError } from './status-error.js';

const REDIRECTS = [301, 302, 303, 307, 308];
/** The hub needs two: to a file's own address, and to the store of large files. */
const MAX_REDIRECTS = 10;
/** 416: the range of the request lies beyond the file. */
const ANSWERS = [200, 206, 416] as const;

export interface HubRequest {
  /** Below the endpoint, encoded, without a leading slash. */
  readonly path: string;
  /** What a 404 means. */
  readonly subject: HubSubject;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface HubAnswer {
  /** Without the query, which may hold signatures. */
  readonly url: string;
  readonly status: 200 | 206 | 416;
  /** Of the server that has the bytes. */
  readonly headers: Headers;
  /** What the endpoint itself says about the file, also where it redirects to a store; the store cannot say it. */
  readonly told: { readonly commit: string | null; readonly etag: string | null; readonly bytes: string | null };
  /**
   * Once. Stopping early ends the connection. @throws HubConnectionError, HubStalledError, the stop signal's reason.
   */
  body(): AsyncGenerator<Uint8Array, void>;
  /** Instead of `body`. */
  discard(): Promise<void>;
}

/**
 * GET requests to one hub. Redirects are followed; the token goes to the endpoint's own origin alone, and not even
 * there once a redirect has led away.
 */
export class HubClient {
  constructor(
    private readonly settings: HubSettings,
    private readonly pace: Pace,
    private readonly stop: AbortSignal,
  ) {}

  /** @throws the errors of request-errors.ts; the stop signal's reason. */
  async get({ path, subject, headers = {} }: HubRequest): Promise<HubAnswer> {
    const { endpoint, token } = this.settings;
    let url = new URL(path, endpoint);
    let isAtEndpoint = true;
    let told: HubAnswer['told'] = { commit: null, etag: null, bytes: null };
    for (let hop = 0; hop <= MAX_REDIRECTS; hop++) {
      const authorization = isAtEndpoint && token !== undefined ? { authorization: `Bearer ${token}` } : {};
      const { answer, location } = await this.#fetch(url, { ...headers, ...authorization });
      if (isAtEndpoint)
        told = {
          commit: told.commit ?? answer.headers.get('x-repo-commit'),
          etag: told.etag ?? linkedEtag(answer.headers),
          bytes: told.bytes ?? answer.headers.get('x-linked-size'),
        };
      if (location === undefined) {
        const status = ANSWERS.find((expected) => expected === answer.status);
        if (status !== undefined) return { ...answer, status, told };
        await answer.discard();
        throw statusError({
          url: answer.url,
          status: answer.status,
          headers: answer.headers,
          subject,
          origin: !isAtEndpoint ? 'store' : token === undefined ? 'hub' : 'hub with token',
          now: this.pace.now(),
        });
      }
      await answer.discard();
      url = redirectTarget(url, location);
      isAtEndpoint &&= url.origin === endpoint.origin;
    }
    throw new HubRedirectError(withoutQuery(url), `more than ${MAX_REDIRECTS} times`);
  }

  /** One hop. `location` is undefined where the answer is no redirect, and null where a redirect names no address. */
  async #fetch(
    url: URL,
    headers: Readonly<Record<string, string>>,
  ): Promise<{
    readonly answer: Omit<HubAnswer, 'status' | 'told'> & { readonly status: number };
    readonly location: string | null | undefined;
  }> {
    const shown = withoutQuery(url);
    const guard = new IdleGuard(this.pace.idleMilliseconds, this.stop);
    const refusal = (cause: unknown): unknown => {
      if (this.stop.aborted) return this.stop.reason;
      return guard.stalled
        ? new HubStalledError(shown, this.pace.idleMilliseconds)
        : new HubConnectionError(shown, innermostReason(cause), { cause });
    };
    guard.wait();
    let response: Response;
    try {
      // Compressed bytes have other lengths than the listed ones.
      response = await fetch(url, {
        headers: { ...headers, 'accept-encoding': 'identity', 'user-agent': 'kimera' },
        redirect: 'manual',
        signal: guard.signal,
      });
    } catch (cause) {
      guard.end();
      throw refusal(cause);
    }
    guard.rest();
    return {
      location: REDIRECTS.includes(response.status) ? response.headers.get('location') : undefined,
      answer: {
        url: shown,
        status: response.status,
        headers: response.headers,
        async *body() {
          try {
            guard.wait();
            for await (const chunk of response.body ?? []) {
              guard.rest();
              yield chunk;
              guard.wait();
            }
          } catch (cause) {
            throw refusal(cause);
          } finally {
            guard.end();
          }
        },
        async discard() {
          guard.end();
          await response.body?.cancel().catch(() => undefined);
        },
      },
    };
  }
}

/** @throws HubRedirectError where it leads nowhere, to another protocol, or from https to http. */
function redirectTarget(from: URL, location: string | null): URL {
  if (location === null || !URL.canParse(location, from.href))
    throw new HubRedirectError(withoutQuery(from), 'to no address');
  const to = new URL(location, from);
  if (!['http:', 'https:'].includes(to.protocol) || to.username !== '' || to.password !== '')
    throw new HubRedirectError(withoutQuery(from), `to ${to.protocol} or with a password`);
  if (from.protocol === 'https:' && to.protocol === 'http:')
    throw new HubRedirectError(withoutQuery(from), 'from https to http');
  return to;
}

function linkedEtag(headers: Headers): string | null {
  return headers.get('x-linked-etag') ?? headers.get('etag');
}

function withoutQuery(url: URL): string {
  return `${url.origin}${url.pathname}`;
}

/** `fetch failed` has its reason in its cause, sometimes two deep. */
function innermostReason(error: unknown): string {
  let reason = 'the connection ended';
  for (
    let at = error;
    typeof at === 'object' && at !== null && 'message' in at;
    at = 'cause' in at ? at.cause : undefined
  ) {
    const text = String(at.message) || ('code' in at ? String(at.code) : '');
    if (text !== '' && text !== 'fetch failed') reason = text;
  }
  return reason;
}
