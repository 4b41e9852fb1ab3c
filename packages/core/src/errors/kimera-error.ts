/**
 * Base of every refusal in Kimera. `code` is stable and machine-readable; `message` carries the limit and the actual
 * value;
 * `fields` carries the same figures for programs. Subclasses are one refusal each.
 */
export abstract class KimeraError extends Error {
  /** SCREAMING_SNAKE_CASE, of this class alone. */
  abstract readonly code: string;
  abstract readonly kind: ErrorKind;
  /** The figures of the message, JSON-safe. */
  readonly fields: Readonly<Record<string, ErrorField>>;

  constructor(message: string, fields: Readonly<Record<string, ErrorField>> = {}, options?: ErrorOptions) {
    super(message, options);
    this.fields = fields;
    this.name = new.target.name;
  }
}

/**
 * Whose move it is. `caller`: the call is wrong, and only another call can succeed (an argument, an option, a request).
 * `refused`: the call is understood, and what it is about (a file, a model, a state) is refused every time. `retryable`:
 * the same call may succeed later (busy, unreachable, stopped). `internal`: a fault of this software or of its runtime.
 */
export type ErrorKind = 'caller' | 'refused' | 'retryable' | 'internal';

export type ErrorField = string | number | boolean | null | readonly string[] | readonly number[];
