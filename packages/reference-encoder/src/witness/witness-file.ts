import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ifPresent } from '@kimera/core';

type Content = Readonly<Record<string, unknown>>;

/** A JSON object of a checkpoint, and which of its keys were looked at. Empty where the file is not there. */
export class WitnessFile {
  readonly #seen = new Set<string>();

  constructor(
    readonly name: string,
    readonly content: Content,
  ) {}

  /** @throws SyntaxError where the file is not JSON. */
  static async read(folder: string, name: string): Promise<WitnessFile> {
    return new WitnessFile(name, asObject(await readJsonFile(folder, name)));
  }

  get isEmpty(): boolean {
    return Object.keys(this.content).length === 0;
  }

  /** The value of a key; null and absent are undefined, as most readers of these files take them. */
  value(key: string): unknown {
    this.#seen.add(key);
    return (Object.hasOwn(this.content, key) ? this.content[key] : undefined) ?? undefined;
  }

  number(key: string): number | undefined {
    const value = this.value(key);
    return typeof value === 'number' ? value : undefined;
  }

  text(key: string): string | undefined {
    const value = this.value(key);
    return typeof value === 'string' ? value : undefined;
  }

  flag(key: string): boolean | undefined {
    const value = this.value(key);
    return typeof value === 'boolean' ? value : undefined;
  }

  object(key: string): Content {
    return asObject(this.value(key));
  }

  /**
   * Keys that nobody looked at. Left out are those that are known to change no vector, and values that are known to be
   * the usual ones; null says nothing.
   */
  unread(neutral: readonly string[], usual: Content = {}): readonly string[] {
    return Object.keys(this.content)
      .filter((key) => !this.#seen.has(key) && !neutral.includes(key) && this.content[key] !== null)
      .filter((key) => !(Object.hasOwn(usual, key) && JSON.stringify(usual[key]) === JSON.stringify(this.content[key])))
      .map((key) => `${this.name}: ${key}`);
  }
}

/** The parsed file, or undefined where there is none. */
export async function readJsonFile(folder: string, name: string): Promise<unknown> {
  const text = await ifPresent(() => readFile(join(folder, name), 'utf8'));
  return text === undefined ? undefined : (JSON.parse(text) as unknown);
}

export function asObject(value: unknown): Content {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Content) : {};
}
