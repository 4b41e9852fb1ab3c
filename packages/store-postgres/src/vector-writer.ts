import {
  ActiveSpaceError,
  type EmbeddingSpace,
  type NewVector,
  type VectorWriter,
  type WriteResult,
} from '@kimera/core';
import { checkDimension } from './dimension.js';
import { writeFreshVectors } from './put-vectors.js';
import { replaceCapture } from './schema/capture.js';
import { createSpaceTables, dropSpaceTables } from './schema/space-tables.js';
import { readSource, readSpace, readSpaces } from './source.js';
import { registerSpace } from './spaces.js';
import type { Database } from './sql/database.js';
import type { Queryable } from './sql/queryable.js';

export class PostgresVectorWriter implements VectorWriter {
  constructor(private readonly database: Database) {}

  async openSpace(name: string, space: EmbeddingSpace): Promise<void> {
    checkDimension(space);
    const isOpen = async (sql: Queryable): Promise<boolean> =>
      (await readSpaces(sql, name)).some(({ fingerprint }) => fingerprint === space.fingerprint);
    const known = await readSource(this.database, name);
    if (await isOpen(this.database)) return;
    await this.database.transaction(async (sql) => {
      // Waits for writers whose changes would be captured for the spaces of before.
      await sql.script(`LOCK TABLE ${known.table} IN SHARE ROW EXCLUSIVE MODE`);
      if (await isOpen(sql)) return;
      const source = await readSource(sql, name);
      await registerSpace(sql, name, space);
      await createSpaceTables(sql, source, space);
      await replaceCapture(
        sql,
        source,
        (await readSpaces(sql, name)).map(({ fingerprint }) => fingerprint),
      );
    });
  }

  async closeSpace(name: string, space: string): Promise<void> {
    await this.database.transaction(async (sql) => {
      const source = await readSource(sql, name);
      if (space === source.activeSpace) throw new ActiveSpaceError(name, space);
      // Waits for writes of vectors under way (readSpace, 'held'), then for all use of the table, which the foreign
      // keys' triggers are taken from.
      const there = await sql.run(
        'SELECT FROM kimera.collection_spaces WHERE collection = $1 AND space = $2 FOR UPDATE',
        [name, space],
      );
      if (there === 0) return;
      await sql.script(`LOCK TABLE ${source.table} IN ACCESS EXCLUSIVE MODE`);
      const { activeSpace } = await readSource(sql, name);
      if (space === activeSpace) throw new ActiveSpaceError(name, space);
      await sql.run('DELETE FROM kimera.collection_spaces WHERE collection = $1 AND space = $2', [name, space]);
      await replaceCapture(
        sql,
        source,
        (await readSpaces(sql, name)).map(({ fingerprint }) => fingerprint),
      );
      await dropSpaceTables(sql, name, space);
    });
  }

  async writeVectors(name: string, space: string, vectors: readonly NewVector[]): Promise<WriteResult> {
    return this.database.transaction(async (sql) => {
      const source = await readSource(sql, name);
      return writeFreshVectors(sql, source, await readSpace(sql, name, space, 'held'), vectors);
    });
  }
}
