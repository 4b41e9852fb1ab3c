/**
 * Base of every refusal in Kimera. `code` is stable and machine-readable; `message` carries the limit and the actual
 * value;
 * `fields` carries the same figures for programs. Subclasses are one refusal each.
 */
export abstract class KimeraError extends Error {
  abstract readonly code: string;
  /** The figures of the message, JSON-safe. */
  readonly fields: Readonly<Record<string, ErrorField>>;

  constructor(message: string, fields: Readonly<Record<string, ErrorField>> = {}, options?: ErrorOptions) {
    super(message, options);
    this.fields = fields;
    this.name = new.target.name;
  }
}

export type ErrorField = string | number | boolean | null | readonly string[] | readonly number[];
