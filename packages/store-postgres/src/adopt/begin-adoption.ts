import { CollectionExistsError, type CopyStamp, type EmbeddingSpace } from '@kimera/core';
import type { KeyType } from '../key-types.js';
import type { KeyColumn } from '../key.js';
import { setMirror } from '../in-place/spaces-in-place.js';
import { registerCollection } from '../register-collection.js';
import type { Database } from '../sql/database.js';
import { sqlState, UNIQUE_VIOLATION } from '../sql/sql-state.js';
import type { AdoptableTable } from './check-adoption.js';
import { TableAdoptedError } from './errors.js';
import { observeVectorWrites } from './observed-writes.js';
import { readVectorNames, type VectorNames } from './vector-names.js';
import type { ColumnDescription, VectorStorage } from './table-description.js';

/** One transaction: the collection, its triggers, and where the copy of its vectors begins. */
export async function beginAdoption(
  database: Database,
  { table, collection, key, text, tenant, vector }: AdoptableTable,
  space: EmbeddingSpace,
  stamp: CopyStamp | null,
): Promise<void> {
  try {
    await database.transaction(async (sql) => {
      const source = await registerCollection(sql, {
        name: collection,
        origin: 'adopted',
        schema: table.schema,
        table: table.name,
        key: key.map(keyColumn),
        textExpression: text,
        tenantColumn: tenant,
        vectors: vector === null ? null : { column: vector.column, writer: vector.writer },
        space,
      });
      // From now on the keeper's vectors of this space are written into the application's column too.
      if (vector?.writer === 'keeper')
        await setMirror(
          sql,
          collection,
          space.fingerprint,
          vector.column,
          mirrorType(await readVectorNames(sql), vector.storage),
        );
      if (vector !== null) await observeVectorWrites(sql, source, vector.column);
      await sql.run(
        'INSERT INTO kimera.adoptions (collection, space, storage, variant, tokenizer_revision, rows) VALUES ($1, $2, $3, $4, $5, $6)',
        [
          collection,
          space.fingerprint,
          stamp === null ? null : (vector?.storage ?? null),
          stamp?.variant ?? null,
          stamp?.tokenizerRevision ?? null,
          Math.round(table.rows.count),
        ],
      );
    });
  } catch (error) {
    if (sqlState(error) !== UNIQUE_VIOLATION) throw error;
    // Another process was quicker with the name, or with the table.
    if (error instanceof Error && 'constraint' in error && error.constraint === 'collections_pkey')
      throw new CollectionExistsError(collection);
    throw new TableAdoptedError(table.title, collection);
  }
}

/** SQL: the column's type without a dimension. */
function mirrorType(names: VectorNames, storage: VectorStorage): string {
  return storage === 'vector' ? names.vector : storage === 'halfvec' ? names.halfvec : storage;
}

const KEY_TYPES: Readonly<Record<string, KeyType>> = {
  int2: 'smallint',
  int4: 'integer',
  int8: 'bigint',
  uuid: 'uuid',
  text: 'text',
  varchar: 'varchar',
  bool: 'boolean',
  date: 'date',
  timestamp: 'timestamp',
  timestamptz: 'timestamptz',
};

export function keyColumn({ name, typeName, collation }: ColumnDescription): KeyColumn {
  const type = KEY_TYPES[typeName];
  if (type === undefined) throw new Error(`a key of type ${typeName} was not refused`);
  return { name, type, collation };
}
