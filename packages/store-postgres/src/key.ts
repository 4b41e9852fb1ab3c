import { InvalidRowError } from '@kimera/core';
import { isCanonical, KEY_TYPES, type KeyType } from './key-types.js';
import { quoted } from './sql/identifier.js';

/** A column of a source table's key. */
export interface KeyColumn {
  readonly name: string;
  readonly type: KeyType;
  /** As SQL writes it, `"pg_catalog"."C"`; null: the database's own, or a type that has none. */
  readonly collation: string | null;
}

/**
 * SQL about the key of a collection. In our tables the key is a column `id`, or columns `id_1 … id_n`, in the types and
 * collations of the source's; outside of the database it is text: that of the one column, or the texts of all columns
 * as a JSON array without spaces.
 */
export class Key {
  /** Names in our tables. */
  readonly names: readonly string[];

  constructor(readonly columns: readonly KeyColumn[]) {
    this.names = columns.map((_, i) => (columns.length === 1 ? 'id' : `id_${i + 1}`));
  }

  /** `id_1, id_2` */
  get list(): string {
    return this.names.join(', ');
  }

  /** For CREATE TABLE: names with types. */
  get definition(): string {
    return this.columns
      .map(({ type, collation }, i) => {
        const collate = collation === null ? '' : ` COLLATE ${collation}`;
        return `${this.names[i]} ${KEY_TYPES[type].sql}${collate} NOT NULL`;
      })
      .join(', ');
  }

  /** For SELECT on the source table: its columns under our names. */
  get selected(): string {
    return this.columns.map(({ name }, i) => `${quoted(name)} AS ${this.names[i]}`).join(', ');
  }

  /** `d.id_1, d.id_2` */
  of(alias: string): string {
    return this.names.map((name) => `${alias}.${name}`).join(', ');
  }

  /** The key as text, the same in every session. */
  text(alias: string): string {
    const [first = '', ...rest] = this.columns.map(({ type }, i) => KEY_TYPES[type].text(`${alias}.${this.names[i]}`));
    if (rest.length === 0) return first;
    return `'[' || ${[first, ...rest].map((part) => `to_json(${part})::text`).join(` || ',' || `)} || ']'`;
  }

  /** A condition. */
  equal(a: string, b: string): string {
    return this.names.map((name) => `${a}.${name} = ${b}.${name}`).join(' AND ');
  }

  /** A condition in the key's own order, for which an index on the key can be used; the values are `$first …`. */
  beyond(alias: string, sign: '>' | '<=', first: number): string {
    return `(${this.of(alias)}) ${sign} (${this.scalars(first).join(', ')})`;
  }

  /** `$2::bigint, $3::text` */
  scalars(first: number): readonly string[] {
    return this.columns.map(({ type }, i) => `$${first + i}::${KEY_TYPES[type].sql}`);
  }

  /** `$2::bigint[], $3::text[]`, for unnest; their values are {@link arrays}. */
  lists(first: number): readonly string[] {
    return this.scalars(first).map((scalar) => `${scalar}[]`);
  }

  /** Keys as a table `alias` with our names; the values are {@link arrays} at `$first …`. */
  table(alias: string, first: number): string {
    return `unnest(${this.lists(first).join(', ')}) AS ${alias} (${this.list})`;
  }

  /** Ids that a row can have, each once: of others there are no rows, and PostgreSQL would refuse or change them. */
  storable(ids: readonly string[]): readonly string[] {
    return [...new Set(ids)].filter((id) => this.#parts(id) !== undefined);
  }

  /** One array a column. @throws InvalidRowError. */
  arrays(ids: readonly string[]): readonly (readonly string[])[] {
    const rows = ids.map((id) => this.values(id));
    return this.columns.map((_, i) => rows.map((row) => row[i] ?? ''));
  }

  /** One value a column. @throws InvalidRowError. */
  values(id: string): readonly string[] {
    const parts = this.#parts(id);
    if (parts === undefined)
      throw new InvalidRowError(id, `it is not an id of type ${this.columns.map(({ type }) => type).join(', ')}`);
    return parts;
  }

  #parts(id: string): readonly string[] | undefined {
    const parts = this.columns.length === 1 ? [id] : jsonStrings(id);
    const fits =
      parts?.length === this.columns.length && this.columns.every(({ type }, i) => isCanonical(type, parts[i] ?? ''));
    return fits ? parts : undefined;
  }
}

/** Undefined where it is not an array of strings as JSON.stringify writes it. */
function jsonStrings(text: string): readonly string[] | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (!Array.isArray(value)) return undefined;
  const strings = value.filter((part) => typeof part === 'string');
  return strings.length === value.length && JSON.stringify(strings) === text ? strings : undefined;
}
