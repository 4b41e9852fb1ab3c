import type { EventLog } from '@kimera/serving';

/** Signals closer together are one: npm and nx hand theirs on to a process that has it already. */
const ONE_SIGNAL_MILLISECONDS = 200;

export interface ShutdownParts {
  /** Answers what was accepted. */
  readonly close: () => Promise<void>;
  readonly exit: (code: number) => void;
  /** Ends the process at once, by the signal. */
  readonly die: (signal: NodeJS.Signals) => void;
  /** Milliseconds of a clock that only goes forward. */
  readonly now: () => number;
  readonly logger: EventLog;
}

/**
 * What a process does on a signal: on the first it closes and ends with 0, or with 1 where closing fails; on a later
 * one it ends at once, by the signal.
 */
export function onSignal({ close, exit, die, now, logger }: ShutdownParts): (signal: NodeJS.Signals) => void {
  let last: number | undefined;
  return (signal) => {
    const before = last;
    last = now();
    if (before !== undefined) {
      if (last - before <= ONE_SIGNAL_MILLISECONDS) return;
      logger.warn({ signal }, 'a second signal: ending at once');
      die(signal);
      return;
    }
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

/**
 * Ends this process at once as the signal does where nothing listens to it, so that its parent sees 130 or 143. Node's
 * own way out ends the worker threads first, and ONNX Runtime aborts the process (134) where it computes in one.
 */
export function dieBySignal(signal: NodeJS.Signals): void {
  process.removeAllListeners(signal);
  process.kill(process.pid, signal);
}
