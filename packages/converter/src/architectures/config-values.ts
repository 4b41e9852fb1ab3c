import { UnsupportedModelError } from '@kimera/tensor-file';
import { InvalidConfigurationError } from '../errors.js';

/** The keys of a class of transformers, and what it takes where config.json does not have one. */
export interface ConfigClass {
  /** `BertConfig`. */
  readonly name: string;
  /**
   * Keys of the encoder's sizes. The class has defaults for them too, those of a base model; every library writes them,
   * so a file without one is broken.
   */
  readonly required: readonly string[];
  /** The other keys that the encoder is made from. */
  readonly defaults: Readonly<Record<string, number | string>>;
  /** Keys that the class or older versions of it write and no vector depends on. */
  readonly irrelevant: readonly string[];
}

/** Characters of a value that a message shows. */
const SHOWN = 60;

/**
 * The values of a config.json, checked one by one; a missing key has the default of its class, where there is
 * one; `null` has not.
 * @throws InvalidConfigurationError with key, value and limit; UnsupportedModelError.
 */
export class ConfigValues {
  /** @param path of config.json, for messages. */
  constructor(
    private readonly config: Readonly<Record<string, unknown>>,
    private readonly path: string,
    private readonly configClass: ConfigClass,
  ) {}

  integer(key: string, least: number, most: number): number {
    const value = this.#value(key);
    if (typeof value !== 'number' || !Number.isInteger(value) || value < least || value > most)
      throw this.#wrong(key, `an integer from ${least} to ${most}`);
    return value;
  }

  /** As `integer`; undefined where the file says null. */
  integerOrNull(key: string, least: number, most: number): number | undefined {
    return this.#value(key) === null ? undefined : this.integer(key, least, most);
  }

  /** A number above 0. */
  positive(key: string, most: number): number {
    const value = this.#value(key);
    if (typeof value !== 'number' || !(value > 0) || value > most)
      throw this.#wrong(key, `a number above 0, at most ${most}`);
    return value;
  }

  text(key: string): string {
    const value = this.#value(key);
    if (typeof value !== 'string') throw this.#wrong(key, 'a string');
    return value;
  }

  /**
   * Refuses a value that would change vectors. @param neutral what a key that is not there means. @param same other
   * values that mean the same.
   */
  only(key: string, neutral: boolean | number | string | null, same: readonly unknown[] = []): void {
    const value = this.#has(key) ? this.config[key] : neutral;
    const isEmpty = neutral === null && value !== null && typeof value === 'object' && Object.keys(value).length === 0;
    if (value === neutral || isEmpty || same.includes(value)) return;
    if (neutral !== null && typeof value !== typeof neutral) throw this.#wrong(key, JSON.stringify(neutral));
    throw new UnsupportedModelError(key, typeof value === 'string' ? value : shown(value), [String(neutral)]);
  }

  /** `hidden_size 384`, and where the number comes from if the file does not have it. */
  described(key: string): string {
    const value = `${key} ${shown(this.#value(key))}`;
    return this.#has(key) ? value : `${value} (it is missing: the default of ${this.configClass.name})`;
  }

  refuse(reason: string): InvalidConfigurationError {
    return new InvalidConfigurationError(this.path, reason);
  }

  #has(key: string): boolean {
    return Object.hasOwn(this.config, key);
  }

  #value(key: string): unknown {
    const value = this.#has(key) ? this.config[key] : this.configClass.defaults[key];
    if (value === undefined) throw this.refuse(`${key} is missing`);
    return value;
  }

  #wrong(key: string, wanted: string): InvalidConfigurationError {
    return this.refuse(`${key} is ${shown(this.#value(key))}, not ${wanted}`);
  }
}

function shown(value: unknown): string {
  const text = JSON.stringify(value);
  return text.length > SHOWN ? `${text.slice(0, SHOWN)}…` : text;
}
