import { InvalidTokenizerError, UnsupportedTokenizerError } from '../errors.js';

/**
 * A cursor into parsed JSON that knows where it is, so that every refusal names the field. Keys are own properties
 * only.
 */
export class JsonReader {
  constructor(
    readonly value: unknown,
    private readonly source: string,
    readonly at = 'tokenizer',
  ) {}

  fail(reason: string): never {
    throw new InvalidTokenizerError(this.source, this.at, reason);
  }
  unsupported(component: string, supported: readonly string[]): never {
    throw new UnsupportedTokenizerError(this.source, this.at, component, supported);
  }
  get isNull(): boolean {
    return this.value === null || this.value === undefined;
  }
  field(key: string): JsonReader {
    const value = this.value;
    if (typeof value !== 'object' || value === null || Array.isArray(value))
      return this.fail(`expected an object, got ${kind(value)}`);
    return new JsonReader(
      Object.hasOwn(value, key) ? Reflect.get(value, key) : undefined,
      this.source,
      `${this.at}.${key}`,
    );
  }
  items(): readonly JsonReader[] {
    if (!Array.isArray(this.value)) return this.fail(`expected a list, got ${kind(this.value)}`);
    return this.value.map((item, i) => new JsonReader(item, this.source, `${this.at}[${i}]`));
  }
  /** The list itself, for the 250,000 entries that are read without a cursor each. */
  list(): readonly unknown[] {
    return Array.isArray(this.value) ? this.value : this.fail(`expected a list, got ${kind(this.value)}`);
  }
  entries(): readonly (readonly [string, unknown])[] {
    const value = this.value;
    if (typeof value !== 'object' || value === null || Array.isArray(value))
      return this.fail(`expected an object, got ${kind(value)}`);
    return Object.entries(value);
  }
  string(): string {
    return typeof this.value === 'string' ? this.value : this.fail(`expected a string, got ${kind(this.value)}`);
  }
  boolean(fallback?: boolean): boolean {
    if (this.isNull && fallback !== undefined) return fallback;
    return typeof this.value === 'boolean' ? this.value : this.fail(`expected true or false, got ${kind(this.value)}`);
  }
  integer(limits: { readonly min: number; readonly max: number }): number {
    const value = this.value;
    if (typeof value !== 'number' || !Number.isInteger(value))
      return this.fail(`expected a whole number, got ${kind(value)}`);
    if (value < limits.min || value > limits.max)
      return this.fail(`${value} is not between ${limits.min} and ${limits.max}`);
    return value;
  }
}

function kind(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'a list';
  return typeof value === 'number'
    ? `the number ${value}`
    : `${typeof value === 'object' ? 'an' : 'a'} ${typeof value}`;
}
