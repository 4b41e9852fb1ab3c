/** Types of pg_type that a column of an id may have: their text form is one for each value, and B-trees order them. */
export const ALLOWED_KEY_TYPES: readonly string[] = [
  'int2',
  'int4',
  'int8',
  'uuid',
  'text',
  'varchar',
  'bool',
  'date',
  'timestamp',
  'timestamptz',
];
/** Types that are texts, or become one without loss. */
export const TEXT_TYPES: readonly string[] = ['text', 'varchar', 'bpchar', 'citext'];
