import { z } from 'zod';
import type { AppParts } from '../app-parts.js';
import { get, type Route } from '../http/route.js';

const answer = z.object({ status: z.enum(['ok', 'not ready']), reason: z.string().optional() });

/** GET /livez, /readyz: whether the process is to be started again, and whether requests are to be sent to it. */
export function probeRoutes({ models }: Pick<AppParts, 'models'>): readonly Route[] {
  return [
    get({
      paths: ['/livez', '/health/live'],
      tag: 'Operations',
      summary: 'Answers while the process works, whatever its models do',
      open: true,
      answer,
      handle: (_request, response) => void response.json({ status: 'ok' }),
    }),
    get({
      paths: ['/readyz', '/health/ready'],
      tag: 'Operations',
      summary: '200 while requests can be answered; 503 while no model serves, and while the server closes',
      open: true,
      answer,
      handle: (_request, response) => {
        const state = models.health();
        const reason = models.closing
          ? 'the server is shutting down'
          : state.status === 'unavailable'
            ? state.reason
            : undefined;
        if (reason === undefined) response.json({ status: 'ok' });
        else response.status(503).json({ status: 'not ready', reason });
      },
    }),
  ];
}
