import type { EventLog } from '@kimera/serving';

/** Signals closer together are one: npm and nx hand theirs on to a process that has it already. */
const ONE_SIGNAL_MILLISECONDS = 1_000;

export interface ShutdownParts {
  /** Answers what was accepted. */
  readonly close: () => Promise<void>;
  readonly exit: (code: number) => void;
  /** Milliseconds of a clock that only goes forward. */
  readonly now: () => number;
  readonly logger: EventLog;
}

/**
 * What a process does on a signal: on the first it closes and ends with 0, or with 1 where closing fails; on a later
 * one it ends at once with 1.
 */
export function onSignal({ close, exit, now, logger }: ShutdownParts): (signal: string) => void {
  let first: number | undefined;
  return (signal) => {
    if (first !== undefined) {
      if (now() - first <= ONE_SIGNAL_MILLISECONDS) return;
      logger.warn({ signal }, 'a second signal: ending at once');
      exit(1);
      return;
    }
    first = now();
    logger.info({ signal }, 'shutting down: accepted requests are answered');
    close().then(
      () => exit(0),
      (error: unknown) => {
        logger.error({ err: error }, 'closing failed');
        exit(1);
      },
    );
  };
}
