import { KimeraError } from '@kimera/core';

/** The command was called in a way that it does not have. */
export class UsageError extends KimeraError {
  readonly code = 'USAGE';
  readonly kind = 'caller';
  /** @param command the command that was called, as `kimera models list`; the one that runs where absent. */
  constructor(
    message: string,
    readonly command?: string,
  ) {
    super(message);
  }
}

/** A file or folder that the command line names is not there. */
export class InputNotFoundError extends KimeraError {
  readonly code = 'INPUT_NOT_FOUND';
  readonly kind = 'caller';
  constructor(readonly path: string) {
    super(`there is no file or folder ${path}`, { path });
  }
}

/** What the command line names is neither the folder nor the id of a model. */
export class ModelNotFoundError extends KimeraError {
  readonly code = 'MODEL_NOT_FOUND';
  readonly kind = 'caller';
  /** @param available ids of the models at hand. */
  constructor(
    readonly path: string,
    readonly asked: string,
    readonly available: readonly string[],
  ) {
    super(
      `no model at ${path}, and none is called ${JSON.stringify(asked)}; at hand: ${available.join(', ') || 'none'}`,
      { path, asked, available },
    );
  }
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

/** There is no embedded database in that folder. */
export class DatabaseNotFoundError extends KimeraError {
  readonly code = 'DATABASE_NOT_FOUND';
  readonly kind = 'caller';
  constructor(readonly folder: string) {
    super(`${folder} holds no database`, { folder });
  }
}

/** A line of the rows' file that is no row. */
export class InvalidRowLineError extends KimeraError {
  readonly code = 'INVALID_ROW_LINE';
  readonly kind = 'caller';
  constructor(
    readonly line: number,
    readonly reason: string,
    readonly written: number,
  ) {
    super(`line ${line}: ${reason}; the ${written} rows before it are in the collection`, { line, reason, written });
  }
}

/** A line of the queries' file that is no judged query. */
export class InvalidQueryLineError extends KimeraError {
  readonly code = 'INVALID_QUERY_LINE';
  readonly kind = 'caller';
  constructor(
    readonly file: string,
    readonly line: number,
    readonly reason: string,
  ) {
    super(`${file}, line ${line}: ${reason}`, { file, line, reason });
  }
}

/** A file of published facts that is not JSON or breaks its schema. */
export class InvalidFactsFileError extends KimeraError {
  readonly code = 'INVALID_FACTS_FILE';
  readonly kind = 'refused';
  constructor(
    readonly file: string,
    readonly reason: string,
  ) {
    super(`${file}: ${reason}`, { file, reason });
  }
}

/** What cannot be undone needs a word more. */
export class NotConfirmedError extends KimeraError {
  readonly code = 'NOT_CONFIRMED';
  readonly kind = 'caller';
  constructor(readonly what: string) {
    super(`this would remove ${what}, and cannot be undone: --yes does it`, { what });
  }
}
