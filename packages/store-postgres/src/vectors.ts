import {
  checkDimension,
  checkDistinctIds,
  ActiveSpaceError,
  checkVector,
  type Coverage,
  type EmbeddingSpace,
  type Hit,
  type NewVector,
  type QueryVector,
  type StoredVector,
  UnknownSpaceError,
  VARIANTS,
  type VectorReader,
  type VectorWriter,
  type WriteResult,
} from '@kimera/core';
import { z } from 'zod';
import { MIRRORED_ROWS } from './limits.js';
import { dropColumn } from './in-place/open-column.js';
import { spareColumn } from './in-place/spaces-in-place.js';
import { writeFreshVectors } from './put-vectors.js';
import { replaceCapture } from './schema/capture.js';
import { pendingCount } from './changes.js';
import { readNearest } from './search/read-nearest.js';
import { createSpaceTables, dropSpaceTables } from './schema/space-tables.js';
import { reading, readSource, readSpace, readSpaces } from './source.js';
import { registerSpace } from './spaces.js';
import type { Database } from './sql/database.js';
import type { Queryable } from './sql/queryable.js';
import { sqlState, UNDEFINED_TABLE } from './sql/sql-state.js';
import { decodeVector, MAX_DIMENSION } from './vector-codec.js';

const variant = z.enum(VARIANTS);
const vectorRow = z
  .object({
    id: z.string(),
    hash: z.string(),
    space: z.string(),
    variant,
    tokenizer_revision: z.int(),
    truncated: z.boolean(),
    embedding: z.instanceof(Buffer),
  })
  .transform(
    ({
      id,
      hash,
      space,
      variant: name,
      tokenizer_revision: tokenizerRevision,
      truncated,
      embedding,
    }): StoredVector => ({
      id,
      contentHash: hash,
      space,
      variant: name,
      tokenizerRevision,
      truncated,
      dense: decodeVector(embedding),
    }),
  );
const count = z.number();
const coverageRow = z.object({
  rows: count,
  current: count,
  missing: count,
  stale: count,
  orphans: count,
  malformed: count,
  truncated: count,
  pending: count,
});

export class PostgresVectors implements VectorReader, VectorWriter {
  constructor(private readonly database: Database) {}

  async searchSpace(name: string, query: QueryVector, limit: number): Promise<readonly Hit[]> {
    const source = await readSource(this.database, name);
    const held = await readSpace(this.database, name, query.space);
    checkVector(query.dense, held.space.dimension, 'query');
    const { hits } = await this.#inSpace(name, query.space, () =>
      readNearest(this.database, {
        ...{ source, held, query, limit, rows: 'all', text: 'without', columns: [] },
        ...{ when: 'in any case', among: 'found rows' },
      }),
    );
    return hits;
  }

  async readVectors(name: string, space: string, ids?: readonly string[]): Promise<readonly StoredVector[]> {
    const source = await readSource(this.database, name);
    const { key } = source;
    const { vectors } = await readSpace(this.database, name, space);
    return this.#inSpace(name, space, () =>
      reading(this.database, source).rows(
        vectorRow,
        `SELECT ${key.text('v')} AS id, encode(v.content_hash, 'hex') AS hash, v.space, v.variant, v.tokenizer_revision, v.truncated, ${this.database.pgvector.name('vector_send')}(v.embedding) AS embedding
         FROM ${vectors} v JOIN ${source.rows} d ON ${key.equal('d', 'v')} ${ids === undefined ? '' : `JOIN ${key.table('asked', 1)} ON ${key.equal('asked', 'v')}`} ORDER BY ${key.of('v')}`,
        ids === undefined ? [] : key.arrays(key.storable(ids)),
      ),
    );
  }

  async coverage(name: string, space: string): Promise<Coverage> {
    const source = await readSource(this.database, name);
    const { vectors, pending } = await readSpace(this.database, name, space);
    const { key } = source;
    const malformed = `(v.space <> $1 OR ${this.database.pgvector.name('vector_norm')}(v.embedding) = 0)`;
    const current = `v.content_hash = ${source.hash} AND NOT ${malformed}`;
    const [row] = await this.#inSpace(name, space, () =>
      reading(this.database, source).rows(
        coverageRow,
        `SELECT count(d.text)::float8 AS rows,
                count(*) FILTER (WHERE ${current})::float8 AS current,
                count(*) FILTER (WHERE v.content_hash IS NULL)::float8 AS missing,
                count(*) FILTER (WHERE v.content_hash <> ${source.hash})::float8 AS stale,
                count(*) FILTER (WHERE d.text IS NULL AND NOT EXISTS (SELECT FROM ${pending} p WHERE ${key.equal('p', 'v')}))::float8 AS orphans,
                count(*) FILTER (WHERE d.text IS NOT NULL AND ${malformed})::float8 AS malformed,
                count(*) FILTER (WHERE v.truncated AND ${current})::float8 AS truncated,
                (${pendingCount(source, pending)}) AS pending
         FROM ${source.rows} d FULL JOIN ${vectors} v ON ${key.equal('v', 'd')}`,
        [space],
      ),
    );
    if (row === undefined) throw new UnknownSpaceError(name, space);
    return row;
  }

  async spaces(name: string): Promise<readonly EmbeddingSpace[]> {
    await readSource(this.database, name);
    return readSpaces(this.database, name);
  }

  async openSpace(name: string, space: EmbeddingSpace): Promise<void> {
    checkDimension(space, MAX_DIMENSION);
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
      // Waits for writes of vectors under way (readSpace, 'held'), then for writers, whose triggers use the tables.
      const there = await sql.run(
        'SELECT FROM kimera.collection_spaces WHERE collection = $1 AND space = $2 FOR UPDATE',
        [name, space],
      );
      if (there === 0) return;
      const column = await spareColumn(sql, name, space);
      await sql.script(
        `LOCK TABLE ${source.table} IN ${column === undefined ? 'SHARE ROW EXCLUSIVE' : 'ACCESS EXCLUSIVE'} MODE`,
      );
      const used = await sql.run('SELECT FROM kimera.pointers WHERE collection = $1 AND space = $2', [name, space]);
      if (used > 0) throw new ActiveSpaceError(name, space);
      await sql.run('DELETE FROM kimera.collection_spaces WHERE collection = $1 AND space = $2', [name, space]);
      await replaceCapture(
        sql,
        source,
        (await readSpaces(sql, name)).map(({ fingerprint }) => fingerprint),
      );
      await dropSpaceTables(sql, name, space);
      if (column !== undefined) await dropColumn(sql, column);
    });
  }

  async writeVectors(name: string, space: string, vectors: readonly NewVector[]): Promise<WriteResult> {
    checkDistinctIds(vectors);
    await readSource(this.database, name);
    const { mirror } = await readSpace(this.database, name, space);
    const size = mirror === null ? vectors.length : MIRRORED_ROWS;
    const result = { written: 0, outdated: 0 };
    for (let start = 0; start < vectors.length; start += size) {
      const slice = vectors.slice(start, start + size);
      const { written, outdated } = await this.database.transaction(async (sql) =>
        writeFreshVectors(sql, await readSource(sql, name), await readSpace(sql, name, space, 'held'), slice),
      );
      result.written += written;
      result.outdated += outdated;
    }
    return result;
  }

  /** The tables of a space go when it is closed. */
  async #inSpace<T>(name: string, space: string, read: () => Promise<T>): Promise<T> {
    try {
      return await read();
    } catch (error) {
      if (sqlState(error) === UNDEFINED_TABLE) throw new UnknownSpaceError(name, space);
      throw error;
    }
  }
}
