import { type ErrorField, type ErrorKind, KimeraError } from './errors.js';

/** A KimeraError as structured-cloneable data: what crosses a worker or a process boundary. */
export interface PortableError {
  readonly name: string;
  readonly code: string;
  readonly kind: ErrorKind;
  readonly message: string;
  readonly fields: Readonly<Record<string, ErrorField>>;
  readonly stack?: string;
}

/** An error that came over a boundary whose class is not known on this side; keeps name, code, message and fields. */
export class RemoteError extends KimeraError {
  readonly code: string;
  readonly kind: ErrorKind;
  constructor(error: PortableError) {
    super(error.message, error.fields);
    this.code = error.code;
    this.kind = error.kind;
    this.name = error.name;
  }
}

/** How a class of error is rebuilt on the other side: code → constructor from the portable form. */
export type ErrorTable = Readonly<Record<string, (error: PortableError) => KimeraError>>;

export function toPortableError(error: unknown): PortableError {
  if (error instanceof KimeraError) {
    return {
      name: error.name,
      code: error.code,
      kind: error.kind,
      message: error.message,
      fields: error.fields,
      ...(error.stack === undefined ? {} : { stack: error.stack }),
    };
  }
  const plain = error instanceof Error ? error : new Error(String(error));
  return {
    name: plain.name,
    code: 'INTERNAL',
    kind: 'internal',
    message: plain.message,
    fields: {},
    ...(plain.stack === undefined ? {} : { stack: plain.stack }),
  };
}

/**
 * The error with its own class where `table` knows the code, a {@link RemoteError} otherwise. The remote stack is kept
 * as the cause.
 */
export function fromPortableError(error: PortableError, table: ErrorTable): KimeraError {
  const build = Object.hasOwn(table, error.code) ? table[error.code] : undefined;
  const rebuilt = build === undefined ? new RemoteError(error) : build(error);
  if (error.stack !== undefined) rebuilt.cause = new Error(`in the worker: ${error.stack}`);
  return rebuilt;
}
