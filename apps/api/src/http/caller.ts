import type { Request, Response } from 'express';
import { HttpError } from '../errors.js';
import { probeHalfClosed } from './half-closed.js';

/** Who asks, and until when. */
export interface Caller {
  /** Aborted when the client closes the connection, so that its texts leave the queue. */
  readonly signal: AbortSignal;
  /** Whose share of the server the request takes: a key's, without keys an address's. */
  readonly client: string;
}

/** A key counts where the guard has checked it, and is known by its hash alone. */
export function callerOf(request: Request, response: Response): Caller {
  const controller = new AbortController();
  probeHalfClosed(response);
  response.once('close', () => {
    if (!response.writableFinished)
      controller.abort(new HttpError('client_closed_request', 'the client closed the connection'));
  });
  const key: unknown = response.locals['key'];
  return {
    signal: controller.signal,
    client: typeof key === 'string' ? `key ${key}` : `address ${request.ip ?? ''}`,
  };
}
