import { NothingToIgnoreError, UnknownKeyError } from '../errors.js';

/** Characters of a value that a message shows. */
const SHOWN = 80;

/**
 * Keeps account of every key that a checkpoint's files have: each is used, known not to change a vector, or stops the
 * conversion. Keys that the caller names are passed over and written down; what a user should know is a note.
 */
export class Accounting {
  /** Sentences for the user, in the order of reading. */
  readonly notes: string[] = [];
  /** `FILE: KEY` of what was passed over because the caller asked for it. */
  readonly ignored: string[] = [];
  readonly #ignore: ReadonlySet<string>;
  readonly #used = new Set<string>();

  /** @param ignore names of keys, each `KEY` or `FILE:KEY`. */
  constructor(ignore: readonly string[] = []) {
    this.#ignore = new Set(ignore);
  }

  note(text: string): void {
    if (!this.notes.includes(text)) this.notes.push(text);
  }

  /**
   * Every key of the object must be among those that are known. @param file for messages. @throws UnknownKeyError.
   */
  account(file: string, value: Readonly<Record<string, unknown>>, known: readonly string[]): void {
    this.refuseUnknown(
      file,
      value,
      // Keys of comments: `_comment`, `_commit_hash`. No library reads one that it does not list.
      Object.keys(value).filter((key) => !known.includes(key) && !key.startsWith('_')),
    );
  }

  /** The same, of keys that are already known to be unknown. @throws UnknownKeyError. */
  refuseUnknown(file: string, value: Readonly<Record<string, unknown>>, unknown: readonly string[]): void {
    for (const key of unknown) if (!this.isIgnored(file, key)) throw new UnknownKeyError(file, key, shown(value[key]));
  }

  /** Whether the caller passes this key over; written down where so. */
  isIgnored(file: string, key: string): boolean {
    const name = [key, `${file}:${key}`].find((candidate) => this.#ignore.has(candidate));
    if (name === undefined) return false;
    this.#used.add(name);
    const entry = `${file}: ${key}`;
    if (!this.ignored.includes(entry)) this.ignored.push(entry);
    return true;
  }

  /** Called when everything was read. @throws NothingToIgnoreError for a key that stopped nothing. */
  finish(): void {
    const unused = [...this.#ignore].find((name) => !this.#used.has(name));
    if (unused !== undefined) throw new NothingToIgnoreError(unused);
  }
}

/** A value in a message, cut. */
export function shown(value: unknown): string {
  const text = value === undefined ? 'nothing' : JSON.stringify(value);
  return text.length > SHOWN ? `${text.slice(0, SHOWN)}…` : text;
}
