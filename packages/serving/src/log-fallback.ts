import type { FallbackEvent } from '@kimera/embedder';

/** As much of a pino logger as events need. */
export interface EventLog {
  info(fields: object, line: string): void;
  warn(fields: object, line: string): void;
  error(fields: object, line: string): void;
}

/** One line for each event: read in order they tell what served when, and why. */
export function logFallback(logger: EventLog, event: FallbackEvent): void {
  const { kind, step } = event;
  switch (kind) {
    case 'failed':
      logger.warn(
        { backend: step, failures: event.failures, reason: event.error.message },
        `backend ${step} failed a call (${event.failures} in a row): the next backend takes it`,
      );
      return;
    case 'out':
      logger.error(
        { backend: step, reason: event.error.message, retryAt: event.retryAt },
        `backend ${step} is out: ${event.error.message}; tried again ${event.retryAt === undefined ? 'later' : `at ${new Date(event.retryAt).toISOString()}`}`,
      );
      return;
    case 'serving': {
      const { variant, insteadOf, degraded } = event;
      const line = `backend ${step} serves${insteadOf === undefined ? '' : ` instead of ${insteadOf}`}, variant ${variant}${degraded ? ': the same space, degraded' : ''}`;
      logger[degraded ? 'warn' : 'info']({ backend: step, variant, insteadOf, degraded }, line);
      return;
    }
    default:
      kind satisfies never;
  }
}
