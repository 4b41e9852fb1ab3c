/** What the process says to the shell. */
export const EXIT = {
  done: 0,
  error: 1,
  /** Refused on purpose: the same input will be refused again. NO-GO of a gate. */
  refused: 2,
  /** Stopped by Ctrl-C or SIGTERM at a safe point. INCONCLUSIVE of a gate. */
  stopped: 3,
  /** EX_USAGE of sysexits.h. */
  usage: 64,
} as const;
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];
