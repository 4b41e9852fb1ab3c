import { KimeraError } from '@kimera/core';

/** The command was called in a way that it does not have. */
export class UsageError extends KimeraError {
  readonly code = 'USAGE';
  readonly kind = 'caller';
}

/** Ctrl-C or SIGTERM, at a safe point; the message says how to go on. */
export class StoppedError extends KimeraError {
  readonly code = 'STOPPED';
  readonly kind = 'retryable';
}

/** Whoever read our output has gone (`| head`): not a failure. */
export class OutputClosedError extends KimeraError {
  readonly code = 'OUTPUT_CLOSED';
  readonly kind = 'retryable';
  constructor() {
    super('the reader of the output has gone');
  }
}
