import { KimeraError } from '@kimera/core';
import * as z from 'zod/mini';
import {
  apiError,
  ApiError,
  ClientOptionError,
  ConnectionFailedError,
  RequestTimeoutError,
  UnexpectedAnswerError,
} from './errors.js';
import { pauseBefore, retryAfterMilliseconds, wait, type RetryOptions } from './retry.js';

export interface TransportOptions extends RetryOptions {
  /** Of the server, with a path where it is behind one: `https://example.com/embeddings`. */
  readonly url: string;
  readonly apiKey?: string;
  /** Sent with every request. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Of one try, answer included. Default 60,000. */
  readonly timeoutMilliseconds?: number;
  /** Default: the platform's. */
  readonly fetch?: typeof fetch;
  /** From 0 to 1; default `Math.random`. */
  readonly random?: () => number;
}

export interface Call<Answer> {
  readonly path: string;
  /** Absent: GET. */
  readonly body?: object;
  readonly headers?: Readonly<Record<string, string>>;
  readonly answer: z.ZodMiniType<Answer>;
  readonly signal?: AbortSignal | undefined;
}

export interface Answered<Answer> {
  readonly body: Answer;
  readonly headers: Headers;
}

const errorSchema = z.union([
  z.object({
    error: z.object({
      message: z.string(),
      param: z.optional(z.nullable(z.string())),
      code: z.optional(z.nullable(z.string())),
    }),
  }),
  z.object({ error: z.string(), error_type: z.optional(z.string()) }),
]);

/** One request and its answer, tried again where that may help: every route of the server only reads. */
export class Transport {
  readonly #url: string;
  readonly #headers: Readonly<Record<string, string>>;
  readonly #timeout: number;
  readonly #retries: number;
  readonly #longestWait: number;
  readonly #fetch: typeof fetch;
  readonly #random: () => number;

  /** @throws ClientOptionError. */
  constructor(options: TransportOptions) {
    const { url, apiKey, headers = {}, timeoutMilliseconds = 60_000, retries = 4, random = Math.random } = options;
    if (!URL.canParse(url) || !/^https?:/i.test(url))
      throw new ClientOptionError('url', url, 'an address that begins with http:// or https://');
    if (!Number.isInteger(retries) || retries < 0)
      throw new ClientOptionError('retries', retries, 'a whole number, 0 or more');
    if (!(timeoutMilliseconds > 0))
      throw new ClientOptionError('timeoutMilliseconds', timeoutMilliseconds, 'a number above 0');
    this.#url = url.replace(/\/+$/, '');
    this.#headers = { ...headers, ...(apiKey === undefined ? {} : { authorization: `Bearer ${apiKey}` }) };
    this.#timeout = timeoutMilliseconds;
    this.#retries = retries;
    this.#longestWait = options.longestWaitMilliseconds ?? 60_000;
    // A browser's fetch must be called on its window.
    this.#fetch = options.fetch ?? ((...given) => fetch(...given));
    this.#random = random;
  }

  /** @throws the errors of errors.ts; the reason of `signal` where that aborts. */
  async send<Answer>(call: Call<Answer>): Promise<Answered<Answer>> {
    for (let attempt = 0; ; attempt++) {
      try {
        return await this.#try(call);
      } catch (error) {
        call.signal?.throwIfAborted();
        if (!(error instanceof KimeraError) || error.kind !== 'retryable' || attempt >= this.#retries) throw error;
        const asked = error instanceof ApiError ? error.refusal.retryAfterMilliseconds : undefined;
        if (asked !== undefined && asked > this.#longestWait) throw error;
        await wait(pauseBefore(attempt, asked, this.#random()), call.signal);
      }
    }
  }

  async #try<Answer>({ path, body, headers = {}, answer, signal }: Call<Answer>): Promise<Answered<Answer>> {
    const url = this.#url + path;
    const timeout = AbortSignal.timeout(this.#timeout);
    let response: Response;
    let text: string;
    try {
      response = await this.#fetch(url, {
        method: body === undefined ? 'GET' : 'POST',
        headers: {
          ...this.#headers,
          ...headers,
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        signal: signal === undefined ? timeout : AbortSignal.any([signal, timeout]),
      });
      text = await response.text();
    } catch (error) {
      signal?.throwIfAborted();
      if (timeout.aborted) throw new RequestTimeoutError(url, this.#timeout);
      throw new ConnectionFailedError(url, { cause: error });
    }
    const json = parseJson(text);
    if (!response.ok) throw apiError(refusalOf(response, json, text));
    const parsed = answer.safeParse(json);
    if (parsed.success) return { body: parsed.data, headers: response.headers };
    const [issue] = parsed.error.issues;
    throw new UnexpectedAnswerError(
      url,
      json === undefined ? 'no JSON' : `${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''}`,
    );
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function refusalOf(response: Response, json: unknown, text: string) {
  const { status, headers } = response;
  const parsed = errorSchema.safeParse(json);
  const error = parsed.success ? parsed.data.error : text.slice(0, 200) || response.statusText;
  const named = typeof error === 'string' ? { message: error, code: undefined, param: undefined } : error;
  return {
    status,
    message: named.message,
    reason: named.code ?? `status_${status}`,
    param: named.param ?? null,
    requestId: headers.get('x-request-id'),
    retryAfterMilliseconds: retryAfterMilliseconds(headers.get('retry-after'), Date.now()),
  };
}
