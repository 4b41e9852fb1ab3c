import { rateLimit } from 'express-rate-limit';
import type { RequestHandler } from 'express';
import { HttpError } from '../../errors.js';
import { clientOf } from './caller.js';

const MINUTE = 60_000;

/** Requests (POST) of one client in a minute; the answers' `RateLimit` headers say how many are left. */
export function limitRate(requestsPerMinute: number): RequestHandler {
  return rateLimit({
    windowMs: MINUTE,
    limit: requestsPerMinute,
    keyGenerator: clientOf,
    // Probes and scrapers do not count.
    skip: ({ method }) => method !== 'POST',
    standardHeaders: 'draft-8',
    legacyHeaders: false,
    handler: (_request, response) => {
      const seconds = Number(response.getHeader('Retry-After') ?? MINUTE / 1_000);
      throw new HttpError(
        'too_many_requests',
        `more than ${requestsPerMinute} requests in a minute: try again in ${seconds} s`,
        null,
        { limit: requestsPerMinute },
      );
    },
  });
}
