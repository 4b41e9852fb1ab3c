import type { KeyColumn } from '../key.js';
import type { KeyType } from '../key-types.js';
import type { ColumnDescription } from './table-description.js';

/**
 * Types that a column of an id may have, by their names in pg_type: their text form is one for each value, and B-trees
 * order them.
 */
const KEY_TYPES: ReadonlyMap<string, KeyType> = new Map([
  ['int2', 'smallint'],
  ['int4', 'integer'],
  ['int8', 'bigint'],
  ['uuid', 'uuid'],
  ['text', 'text'],
  ['varchar', 'varchar'],
  ['bool', 'boolean'],
  ['date', 'date'],
  ['timestamp', 'timestamp'],
  ['timestamptz', 'timestamptz'],
]);
/** For people. */
export const KEY_TYPE_NAMES: readonly KeyType[] = [...KEY_TYPES.values()];

export function isKeyType({ typeName }: Pick<ColumnDescription, 'typeName'>): boolean {
  return KEY_TYPES.has(typeName);
}

/** Of a column that was checked. */
export function keyColumn({ name, typeName, collation }: ColumnDescription): KeyColumn {
  const type = KEY_TYPES.get(typeName);
  if (type === undefined) throw new Error(`a key of type ${typeName} was not refused`);
  return { name, type, collation };
}

/** Types that are texts, or become one without loss. */
export const TEXT_TYPES: readonly string[] = ['text', 'varchar', 'bpchar', 'citext'];
