import { KimeraError } from '@kimera/core';

/** The command was called in a way that it does not have. */
export class UsageError extends KimeraError {
  readonly code = 'USAGE';
}

/** Ctrl-C or SIGTERM, at a safe point; the message says how to go on. */
export class StoppedError extends KimeraError {
  readonly code = 'STOPPED';
}

/** Whoever read our output has gone (`| head`): not a failure. */
export class OutputClosedError extends KimeraError {
  readonly code = 'OUTPUT_CLOSED';
  constructor() {
    super('the reader of the output has gone');
  }
}
