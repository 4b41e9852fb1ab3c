import { createHash } from 'node:crypto';
import {
  ApplicationRowsError,
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
import { registerCollection } from './register-collection.js';
import { readRowsOf, rowColumns, sourceRow } from './source-rows.js';
import { collectionNames, reading, readSource, readSpace, type Source } from './source.js';
import { readTenantSpaces } from './tenants.js';
import type { Database } from './sql/database.js';
import { quoted } from './sql/identifier.js';
import { DUPLICATE_TABLE, sqlState } from './sql/sql-state.js';
import { MAX_DIMENSION } from './vector-codec.js';

export class PostgresCollections implements CollectionReader, CollectionWriter {
  constructor(private readonly database: Database) {}

  names(): Promise<readonly string[]> {
    return collectionNames(this.database);
  }

  async collection(name: string, tenant?: string): Promise<Collection> {
    const source = await readSource(this.database, name);
    const { title, activeSpace } = source;
    if (tenant === undefined) return { name, table: title, activeSpace };
    const [own] = await readTenantSpaces(this.database, source, [tenant]);
    return { name, table: title, activeSpace: own ?? activeSpace };
  }

  async countRows(name: string): Promise<number> {
    const source = await readSource(this.database, name);
    const row = await reading(this.database, source).row(
      z.object({ count: z.number() }),
      `SELECT count(*)::float8 AS count FROM ${source.rows} d`,
    );
    return row?.count ?? 0;
  }

  async keyRanges(name: string, rows: number): Promise<readonly KeyRange[]> {
    const source = await readSource(this.database, name);
    const { rows: all, key } = source;
    const cuts = await reading(this.database, source).rows(
      z.object({ id: z.string() }),
      `SELECT ${key.text('numbered')} AS id FROM (SELECT ${key.of('d')}, row_number() OVER (ORDER BY ${key.of('d')}) AS place, count(*) OVER () AS total FROM ${all} d) numbered
       WHERE place % $1::bigint = 0 AND place < total ORDER BY place`,
      [rows],
    );
    return [...cuts.map((cut) => cut.id), null].map((upTo, i) => ({ after: cuts[i - 1]?.id ?? null, upTo }));
  }

  async readRange(name: string, range: KeyRange): Promise<readonly SourceRow[]> {
    const source = await readSource(this.database, name);
    return this.#readRange(source, range, '', '');
  }

  async readRangeLacking(name: string, range: KeyRange, space: string): Promise<readonly SourceRow[]> {
    const source = await readSource(this.database, name);
    const { vectors } = await readSpace(this.database, name, space);
    return this.#readRange(
      source,
      range,
      `LEFT JOIN ${vectors} v ON ${source.key.equal('v', 'd')}`,
      `v.content_hash IS DISTINCT FROM ${source.hash}`,
    );
  }

  /** @param condition beside the range's own. */
  #readRange(
    source: Source,
    { after, upTo }: KeyRange,
    join: string,
    condition: string,
  ): Promise<readonly SourceRow[]> {
    const { key } = source;
    const bounds = [
      ...(after === null ? [] : [{ sign: '>' as const, id: after }]),
      ...(upTo === null ? [] : [{ sign: '<=' as const, id: upTo }]),
    ];
    const conditions = bounds.map(({ sign }, i) => key.beyond('d', sign, 1 + i * key.names.length));
    const where = [...conditions, ...(condition === '' ? [] : [condition])].join(' AND ');
    return reading(this.database, source).rows(
      sourceRow,
      `SELECT ${rowColumns(source)} FROM ${source.rows} d ${join} ${where === '' ? '' : `WHERE ${where}`} ORDER BY ${key.of('d')}`,
      bounds.flatMap((bound) => key.values(bound.id)),
    );
  }

  async readRows(name: string, ids: readonly string[]): Promise<readonly SourceRow[]> {
    return readRowsOf(this.database, await readSource(this.database, name), ids);
  }

  async sampleRows(name: string, count: number, seed: number): Promise<readonly SourceRow[]> {
    const source = await readSource(this.database, name);
    return reading(this.database, source).rows(
      sourceRow,
      `SELECT ${rowColumns(source)} FROM ${source.rows} d ORDER BY hashtextextended((${source.key.text('d')}) COLLATE "C", $1::bigint), ${source.key.of('d')} LIMIT $2`,
      [seed, count],
    );
  }

  async createCollection(name: string, space: EmbeddingSpace): Promise<void> {
    checkCollectionName(name);
    checkDimension(space, MAX_DIMENSION);
    const table = quoted('public', name);
    try {
      await this.database.transaction(async (sql) => {
        await sql.script(`CREATE TABLE ${table} (id text COLLATE "C" PRIMARY KEY, text text NOT NULL)`);
        await registerCollection(sql, {
          name,
          origin: 'created',
          schema: 'public',
          table: name,
          key: [{ name: 'id', type: 'text', collation: '"pg_catalog"."C"' }],
          textExpression: quoted('text'),
          tenantColumn: null,
          vectors: null,
          space,
        });
      });
    } catch (error) {
      if (sqlState(error) === DUPLICATE_TABLE) throw new CollectionExistsError(name);
      throw error;
    }
  }

  async upsertRows(name: string, rows: readonly EmbeddedRow[]): Promise<void> {
    await this.database.transaction(async (sql) => {
      const { table, title, origin } = await readSource(sql, name);
      if (origin === 'adopted') throw new ApplicationRowsError(name, title);
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
        `INSERT INTO ${table} AS d (id, text) SELECT * FROM unnest($1::text[], $2::text[])
         ON CONFLICT (id) DO UPDATE SET text = excluded.text WHERE d.text <> excluded.text`,
        [sorted.map(({ id }) => id), sorted.map(({ text }) => toWellFormed(text))],
      );
      await putVectors(sql, source, held, vectors);
    });
  }

  async deleteRows(name: string, ids: readonly string[]): Promise<number> {
    return this.database.transaction(async (sql) => {
      const { table, title, origin, key } = await readSource(sql, name);
      if (origin === 'adopted') throw new ApplicationRowsError(name, title);
      return sql.run(`DELETE FROM ${table} WHERE id = ANY ($1::text[])`, [[...key.storable(ids)].sort()]);
    });
  }
}
