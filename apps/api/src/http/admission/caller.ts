import type { ServiceLimits } from '@kimera/serving';
import type { Request, RequestHandler, Response } from 'express';
import { HttpError } from '../../errors.js';
import { probeHalfClosed } from '../sockets/half-closed.js';

/** Asks for an answer within so many seconds: the client gives up then. */
export const REQUEST_TIMEOUT = 'x-request-timeout';

export type RequestLimits = Pick<ServiceLimits, 'requestInputs' | 'requestTokens' | 'requestSeconds'>;

/** Who asks, for how much, and until when. */
export interface Caller {
  /** Aborted when the client closes the connection, or its time is over, so that its texts leave the queue. */
  readonly signal: AbortSignal;
  /** Whose share of the server the request takes: a key's, without keys an address's. */
  readonly client: string;
  readonly limits: Pick<RequestLimits, 'requestInputs' | 'requestTokens'>;
}

const CALLERS = new WeakMap<Response, Caller>();

/** Every request gets its deadline and its limits. */
export function limitRequests(limits: RequestLimits): RequestHandler {
  return (request, response, next) => {
    const controller = new AbortController();
    const seconds = Math.min(limits.requestSeconds, secondsOf(request));
    const deadline = setTimeout(
      () => controller.abort(new HttpError('deadline_exceeded', `there was no answer within ${seconds} s`)),
      seconds * 1_000,
    ).unref();
    response.once('close', () => {
      clearTimeout(deadline);
      if (!response.writableFinished)
        controller.abort(new HttpError('client_closed_request', 'the client closed the connection'));
    });
    CALLERS.set(response, { signal: controller.signal, client: clientOf(request, response), limits });
    next();
  };
}

/** @throws Error where the request has no limits: a mistake of this server. */
export function callerOf(response: Response): Caller {
  const caller = CALLERS.get(response);
  if (caller === undefined) throw new Error('a request without limits');
  probeHalfClosed(response);
  return caller;
}

/** A key counts where the guard has checked it, and is known by its hash alone. */
export function clientOf({ ip }: Request, { locals }: Response): string {
  const key: unknown = locals['key'];
  return typeof key === 'string' ? `key ${key}` : `address ${ip ?? ''}`;
}

/** @throws HttpError. */
function secondsOf(request: Request): number {
  const given = request.get(REQUEST_TIMEOUT);
  if (given === undefined) return Number.POSITIVE_INFINITY;
  const seconds = /^\d+(?:\.\d+)?$/.test(given) ? Number(given) : 0;
  if (seconds === 0)
    throw new HttpError('invalid_request', `the header ${REQUEST_TIMEOUT} is ${given}, expected seconds above 0`);
  return seconds;
}
