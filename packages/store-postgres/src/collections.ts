import { createHash } from 'node:crypto';
import {
  checkDimension,
  checkCollectionName,
  checkRows,
  checkVector,
  CollectionExistsError,
  SpaceMismatchError,
  toWellFormed,
  type Collection,
  type CollectionReader,
  type CollectionWriter,
  type EmbeddedRow,
  type EmbeddingSpace,
  type KeyRange,
  type SourceRow,
} from '@kimera/core';
import { z } from 'zod';
import { putVectors } from './put-vectors.js';
import { createCapture, replaceCapture } from './schema/capture.js';
import { createSpaceTables } from './schema/space-tables.js';
import { registerSpace } from './spaces.js';
import { rowColumns, sourceRow } from './source-rows.js';
import { collectionNames, readSource, readSpace } from './source.js';
import type { Database } from './sql/database.js';
import { quoted } from './sql/identifier.js';
import { DUPLICATE_TABLE, sqlState } from './sql/sql-state.js';
import { storableIds } from './storable.js';
import { MAX_DIMENSION } from './vector-codec.js';

export class PostgresCollections implements CollectionReader, CollectionWriter {
  constructor(private readonly database: Database) {}

  names(): Promise<readonly string[]> {
    return collectionNames(this.database);
  }

  async collection(name: string): Promise<Collection> {
    const { title, activeSpace } = await readSource(this.database, name);
    return { name, table: title, activeSpace };
  }

  async countRows(name: string): Promise<number> {
    const { table } = await readSource(this.database, name);
    const row = await this.database.row(
      z.object({ count: z.number() }),
      `SELECT count(*)::float8 AS count FROM ${table}`,
    );
    return row?.count ?? 0;
  }

  async keyRanges(name: string, rows: number): Promise<readonly KeyRange[]> {
    const { table, id } = await readSource(this.database, name);
    const cuts = await this.database.rows(
      z.object({ id: z.string() }),
      `SELECT id FROM (SELECT ${id} AS id, row_number() OVER (ORDER BY ${id} COLLATE "C") AS place, count(*) OVER () AS total FROM ${table}) numbered
       WHERE place % $1::bigint = 0 AND place < total ORDER BY place`,
      [rows],
    );
    return [...cuts.map((cut) => cut.id), null].map((upTo, i) => ({ after: cuts[i - 1]?.id ?? null, upTo }));
  }

  async readRange(name: string, { after, upTo }: KeyRange): Promise<readonly SourceRow[]> {
    const source = await readSource(this.database, name);
    const bounds = [
      ...(after === null ? [] : [{ sign: '>', id: after }]),
      ...(upTo === null ? [] : [{ sign: '<=', id: upTo }]),
    ];
    const where = bounds.map(({ sign }, i) => `d.${source.id} COLLATE "C" ${sign} $${i + 1}`).join(' AND ');
    return this.database.rows(
      sourceRow,
      `SELECT ${rowColumns(source)} FROM ${source.table} d ${where === '' ? '' : `WHERE ${where}`} ORDER BY d.${source.id} COLLATE "C"`,
      bounds.map((bound) => bound.id),
    );
  }

  async readRows(name: string, ids: readonly string[]): Promise<readonly SourceRow[]> {
    const source = await readSource(this.database, name);
    return this.database.rows(
      sourceRow,
      `SELECT ${rowColumns(source)} FROM ${source.table} d WHERE d.${source.id} = ANY ($1::text[])`,
      [storableIds(ids)],
    );
  }

  async sampleRows(name: string, count: number, seed: number): Promise<readonly SourceRow[]> {
    const source = await readSource(this.database, name);
    return this.database.rows(
      sourceRow,
      `SELECT ${rowColumns(source)} FROM ${source.table} d ORDER BY sha256(convert_to($1::text || ':' || d.${source.id}, 'UTF8')) LIMIT $2`,
      [String(seed), count],
    );
  }

  async createCollection(name: string, space: EmbeddingSpace): Promise<void> {
    checkCollectionName(name);
    checkDimension(space, MAX_DIMENSION);
    const table = quoted('public', name);
    try {
      await this.database.transaction(async (sql) => {
        await sql.script(`CREATE TABLE ${table} (id text COLLATE "C" PRIMARY KEY, text text NOT NULL)`);
        await sql.run(
          `INSERT INTO kimera.collections (name, source_schema, source_table, id_column, text_column) VALUES ($1, 'public', $1, 'id', 'text')`,
          [name],
        );
        await registerSpace(sql, name, space);
        await sql.run(`INSERT INTO kimera.pointers (collection, space) VALUES ($1, $2)`, [name, space.fingerprint]);
        const source = await readSource(sql, name);
        await createSpaceTables(sql, source, space);
        await createCapture(sql, source);
        await replaceCapture(sql, source, [space.fingerprint]);
      });
    } catch (error) {
      if (sqlState(error) === DUPLICATE_TABLE) throw new CollectionExistsError(name);
      throw error;
    }
  }

  async upsertRows(name: string, rows: readonly EmbeddedRow[]): Promise<void> {
    await this.database.transaction(async (sql) => {
      const { table } = await readSource(sql, name);
      checkRows(rows);
      // Whoever moves the pointer holds a lock that excludes this one: read after it, the pointer stays until the end.
      await sql.script(`LOCK TABLE ${table} IN ROW EXCLUSIVE MODE`);
      const source = await readSource(sql, name);
      const held = await readSpace(sql, name, source.activeSpace);
      const sorted = [...rows].sort((a, b) => (a.id < b.id ? -1 : 1));
      const vectors = sorted.map(({ id, text, embedding: { dense, space, variant, tokenizerRevision, truncated } }) => {
        if (space !== source.activeSpace) throw new SpaceMismatchError(source.activeSpace, space, `row ${id}`);
        const vector = dense ?? new Float32Array();
        checkVector(vector, held.space.dimension, `vector of row ${id}`);
        return {
          id,
          dense: vector,
          variant,
          tokenizerRevision,
          truncated,
          contentHash: createHash('sha256').update(toWellFormed(text)).digest('hex'),
        };
      });
      await sql.run(
        `INSERT INTO ${table} AS d (${source.id}, ${source.text}) SELECT * FROM unnest($1::text[], $2::text[])
         ON CONFLICT (${source.id}) DO UPDATE SET ${source.text} = excluded.${source.text} WHERE d.${source.text} <> excluded.${source.text}`,
        [sorted.map(({ id }) => id), sorted.map(({ text }) => toWellFormed(text))],
      );
      await putVectors(sql, held, vectors);
    });
  }

  async deleteRows(name: string, ids: readonly string[]): Promise<number> {
    return this.database.transaction(async (sql) => {
      const { table, id } = await readSource(sql, name);
      return sql.run(`DELETE FROM ${table} WHERE ${id} = ANY ($1::text[])`, [[...storableIds(ids)].sort()]);
    });
  }
}
