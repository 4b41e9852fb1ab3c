import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { shortFingerprint, type EmbeddingSpace, type FoundRow, type SearchOptions, type Vector } from '@kimera/core';
import { fakeSpace } from '@kimera/testing';
import type pg from 'pg';
import { z } from 'zod';
import { Key } from '../key.js';
import { registerCollection } from '../register-collection.js';
import { readSource, readSpace } from '../source.js';
import { readPgvector } from '../schema/pgvector.js';
import { Pgvector } from '../sql/pgvector.js';
import { Queryable } from '../sql/queryable.js';
import { TEST_DATABASES, type TestDatabase } from '../test-databases.fixture.js';
import { nearestStatement, type Nearest } from './nearest-statement.js';
import { findVectorIndex } from './vector-index.js';

jest.setTimeout(180_000);
const NORMAL = fakeSpace('search normal', { dimension: 6 });
const PLAIN = fakeSpace('search plain', { dimension: 6, normalize: false });
const OTHER = fakeSpace('search other', { dimension: 4 });
const ROWS = 2_000;

/** Of length 1, the same for the same number. */
function vector(seed: number, { dimension }: EmbeddingSpace): Vector {
  let state = (seed * 2_654_435_761 + 12_345) >>> 0;
  const raw = Float32Array.from({ length: dimension }, () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 31 - 1;
  });
  const length = Math.hypot(...raw);
  return raw.map((value) => value / length);
}
const literal = (dense: Vector): string => `[${dense.join(',')}]`;

let names = 0;
const freshName = (): string => `search_${process.pid}_${Date.now() % 1_000_000}_${names++}`;
const vectorsOf = (name: string, { fingerprint }: EmbeddingSpace): string =>
  `kimera."${name}_vectors_${shortFingerprint(fingerprint)}"`;

for (const [where, open] of TEST_DATABASES)
  describe(`search on ${where}`, () => {
    let database: TestDatabase;
    let pool: pg.Pool;
    let sql: Queryable;
    beforeAll(async () => {
      database = await open();
      pool = database.application.pool;
      const pgvector = await readPgvector(new Queryable(pool, () => new Pgvector('', '')));
      if (pgvector === undefined) throw new Error('pgvector is not there');
      sql = new Queryable(pool, () => pgvector);
    });
    afterAll(() => database.close());

    /** A collection with rows `0` …, whose texts are `text of N`, filled by SQL. */
    async function collection(space = NORMAL, rows = ROWS, at: (i: number) => number = (i) => i): Promise<string> {
      const name = freshName();
      await database.owner.collections.createCollection(name, space);
      const ids = Array.from({ length: rows }, (_, i) => String(i).padStart(5, '0'));
      await pool.query(`INSERT INTO public.${name} SELECT id, 'text of ' || id FROM unnest($1::text[]) AS given (id)`, [
        ids,
      ]);
      await pool.query(
        `INSERT INTO ${vectorsOf(name, space)} (id, content_hash, space, variant, tokenizer_revision, truncated, embedding)
         SELECT id, sha256(convert_to('text of ' || id, 'UTF8')), $1, 'fp32', 1, false, dense::vector FROM unnest($2::text[], $3::text[]) AS given (id, dense)`,
        [space.fingerprint, ids, ids.map((_, i) => literal(vector(at(i), space)))],
      );
      return name;
    }
    async function index(name: string, method: string, space = NORMAL): Promise<void> {
      await pool.query(`CREATE INDEX ON ${vectorsOf(name, space)} USING ${method}`);
      await pool.query(`ANALYZE ${vectorsOf(name, space)}`);
      await pool.query(`ANALYZE public.${name}`);
    }
    const search = (name: string, seed: number, options: SearchOptions, space = NORMAL) =>
      database.joined.search.search(name, { space: space.fingerprint, dense: vector(seed, space) }, options);
    const ids = (hits: readonly FoundRow[]): readonly string[] => hits.map(({ id }) => id);

    const found = async (name: string, { fingerprint } = NORMAL) =>
      findVectorIndex(sql, await readSource(sql, name), await readSpace(sql, name, fingerprint));
    /** How the database runs the statement of a search. */
    async function plan(name: string, options: Partial<Nearest> = {}, space = NORMAL): Promise<string> {
      const { text, values } = nearestStatement(sql.pgvector, {
        source: await readSource(sql, name),
        held: await readSpace(sql, name, space.fingerprint),
        query: { space: space.fingerprint, dense: vector(-1, space) },
        index: await found(name, space),
        ...{ when: 'only where active', among: 'candidates', limit: 20, rows: 'all', text: 'with', columns: [] },
        ...options,
      });
      const rows = await sql.rows(z.object({ 'QUERY PLAN': z.string() }), `EXPLAIN ${text}`, values);
      return rows.map((row) => row['QUERY PLAN']).join('\n');
    }

    describe.each([
      ['HNSW by cosine', 'hnsw (embedding vector_cosine_ops)'],
      ['HNSW by inner product', 'hnsw (embedding vector_ip_ops)'],
      ['HNSW by distance', 'hnsw (embedding vector_l2_ops)'],
      // Both lists are searched: of more only some, and which rows lie in them is drawn by chance.
      ['IVFFlat by cosine', 'ivfflat (embedding vector_cosine_ops) WITH (lists = 2)'],
    ])('by %s', (_what, method) => {
      let name = '';
      beforeAll(async () => {
        name = await collection();
        await index(name, method);
      });

      it('is a scan of the index, and by text the same rows as an exact one', async () => {
        expect(await plan(name)).toMatch(/Index Scan using \S+embedding/);
        const overlap: number[] = [];
        for (const seed of [-2, -3, -4, -5]) {
          const byIndex = await search(name, seed, { limit: 10 });
          const exact = await search(name, seed, { limit: 10, scan: 'exact' });
          expect([byIndex.scan, exact.scan]).toEqual(['index', 'exact']);
          overlap.push(ids(byIndex.hits).filter((id) => ids(exact.hits).includes(id)).length / 10);
          expect(byIndex.hits.map(({ score }) => score)).toEqual(
            [...byIndex.hits.map(({ score }) => score)].sort((a, b) => b - a),
          );
          expect(byIndex.hits[0]?.score).toBeCloseTo(exact.hits[0]?.score ?? 0, 5);
        }
        expect(overlap.reduce((sum, share) => sum + share, 0) / overlap.length).toBeGreaterThan(0.9);
      });

      it('is none where every vector is to be looked at', async () => {
        const scan = /Index Scan using \S+embedding/;
        expect(await plan(name, { index: undefined })).not.toMatch(scan);
        expect(await plan(name, { among: 'found rows' })).not.toMatch(scan);
      });

      it('gives as many rows as are asked for, also more than the index keeps in sight', async () => {
        for (const limit of [1, 100, 1_000]) expect((await search(name, -6, { limit })).hits).toHaveLength(limit);
      });

      it('shows no row that is gone, and others in its place', async () => {
        const before = ids((await search(name, -7, { limit: 300, scan: 'exact' })).hits);
        await pool.query(`DELETE FROM public.${name} WHERE id = ANY ($1)`, [before.slice(0, 20)]);
        expect(ids((await search(name, -7, { limit: 5 })).hits)[0]).toBe(before[20]);
        await pool.query(`DELETE FROM public.${name} WHERE id = ANY ($1)`, [before.slice(20, 295)]);
        // More are gone than candidates are looked at.
        expect(ids((await search(name, -7, { limit: 5 })).hits)).toEqual(before.slice(295));
        expect((await pool.query(`SELECT FROM ${vectorsOf(name, NORMAL)}`)).rowCount).toBeGreaterThan(ROWS - 1_000);
      });
    });

    it('by distance is none where vectors have other lengths than 1', async () => {
      const name = await collection(PLAIN, 50);
      await index(name, 'hnsw (embedding vector_l2_ops)', PLAIN);
      await index(name, 'hnsw (embedding vector_ip_ops)', PLAIN);
      expect(await found(name, PLAIN)).toBeUndefined();
      expect((await search(name, -1, { limit: 3 }, PLAIN)).scan).toBe('exact');
      await index(name, 'hnsw (embedding vector_cosine_ops)', PLAIN);
      expect(await found(name, PLAIN)).toMatchObject({ method: 'hnsw', operator: '<=>' });
    });

    it('takes no index of a part of the rows, and the one by cosine of several', async () => {
      const name = await collection(NORMAL, 50);
      await index(name, `hnsw (embedding vector_cosine_ops) WHERE id > '00010'`);
      await index(name, 'hnsw ((embedding::halfvec(6)) halfvec_cosine_ops)');
      expect(await found(name, NORMAL)).toBeUndefined();
      await index(name, 'hnsw (embedding vector_ip_ops)');
      await index(name, 'ivfflat (embedding vector_cosine_ops) WITH (lists = 7)');
      expect(await found(name, NORMAL)).toEqual({
        on: 'our table',
        method: 'ivfflat',
        operator: '<=>',
        lists: 7,
        isIterative: true,
      });
    });

    it('orders rows that are equally far by their id, by an index too', async () => {
      const name = await collection(NORMAL, 600, (i) => Math.floor(i / 30));
      // All vectors in one list: nothing is missed. HNSW may lose rows of equal vectors (docs/search.md).
      await index(name, 'ivfflat (embedding vector_cosine_ops) WITH (lists = 1)');
      const equal = Array.from({ length: 30 }, (_, i) => String(90 + i).padStart(5, '0'));
      for (const scan of ['index', 'exact'] as const) {
        const answer = await search(name, 3, { limit: 30, scan });
        expect(answer.scan).toBe(scan);
        expect(ids(answer.hits)).toEqual(equal);
      }
    });

    it('marks rows of an earlier text, or leaves them out where fresh ones are asked for, however many', async () => {
      const name = await collection(NORMAL, 400);
      await index(name, 'hnsw (embedding vector_cosine_ops)');
      const before = ids((await search(name, -8, { limit: 400, scan: 'exact' })).hits);
      await pool.query(`UPDATE public.${name} SET text = 'changed' WHERE id = ANY ($1)`, [before.slice(0, 390)]);
      const all = await search(name, -8, { limit: 3, text: 'with' });
      expect(all.hits).toMatchObject(before.slice(0, 3).map((id) => ({ id, stale: true, text: 'changed' })));
      for (const scan of ['index', 'exact'] as const) {
        const { hits } = await search(name, -8, { limit: 5, rows: 'fresh', scan });
        expect(hits.map(({ id, stale }) => [id, stale])).toEqual(before.slice(390, 395).map((id) => [id, false]));
      }
    });

    it('never shows a vector without a direction', async () => {
      const name = await collection(NORMAL, 20);
      await pool.query(`UPDATE ${vectorsOf(name, NORMAL)} SET embedding = '[0,0,0,0,0,0]' WHERE id = '00003'`);
      for (const scan of ['index', 'exact'] as const)
        expect(ids((await search(name, 3, { limit: 20, scan })).hits)).not.toContain('00003');
    });

    describe('of an application’s own table', () => {
      let name = '';
      const KEYS = new Key([
        { name: 'shop', type: 'text', collation: null },
        { name: 'Number', type: 'bigint', collation: null },
      ]);
      beforeAll(async () => {
        name = freshName();
        await pool.query(
          `CREATE TABLE public.${name} (shop text, "Number" bigint, title text, body text, price numeric, "a ""b" jsonb, PRIMARY KEY (shop, "Number"))`,
        );
        const client = await pool.connect();
        try {
          await client.query('BEGIN');
          await registerCollection(new Queryable(client, () => sql.pgvector), {
            ...{ name, origin: 'adopted', schema: 'public', table: name, key: KEYS.columns },
            ...{ textExpression: `title || ': ' || body`, tenantColumn: 'shop', vectors: null, space: NORMAL },
          });
          await client.query('COMMIT');
        } finally {
          client.release();
        }
        await database.owner.vectors.openSpace(name, OTHER);
        // One row in fifty is of the small shop; every tenth has no text.
        await pool.query(
          `INSERT INTO public.${name} SELECT CASE WHEN n % 50 = 0 THEN 'small' ELSE 'large' END, n + 9007199254740990, 'no ' || n, CASE WHEN n % 10 <> 5 THEN 'text' END, n + 0.10, '{"n": 1}' FROM generate_series(0, ${ROWS - 1}) AS n`,
        );
        for (const space of [NORMAL, OTHER])
          await pool.query(
            `INSERT INTO ${vectorsOf(name, space)} (id_1, id_2, content_hash, space, variant, tokenizer_revision, truncated, embedding)
             SELECT shop, "Number", sha256(convert_to(title || ': text', 'UTF8')), $1, 'fp32', 1, false, dense::vector
             FROM unnest($2::text[]) WITH ORDINALITY AS given (dense, n) JOIN public.${name} ON "Number" = n - 1 + 9007199254740990`,
            [space.fingerprint, Array.from({ length: ROWS }, (_, i) => literal(vector(i, space)))],
          );
        await index(name, 'hnsw (embedding vector_cosine_ops)');
      });

      it('has keys as text, texts of the expression, and columns without the loss of a digit', async () => {
        const { hits } = await search(name, 1, { limit: 1, text: 'with', columns: ['price', 'a "b', 'title'] });
        expect(hits).toMatchObject([
          {
            id: '["large","9007199254740991"]',
            stale: false,
            text: 'no 1: text',
            columns: { price: '1.10', 'a "b': '{"n": 1}', title: 'no 1' },
          },
        ]);
        await expect(search(name, 1, { limit: 1, columns: ['price', 'nothing'] })).rejects.toMatchObject({
          code: 'ROW_COLUMN',
          column: 'nothing',
        });
      });

      it('leaves rows without a text out', async () => {
        expect(await plan(name)).toMatch(/Index Scan using \S+embedding/);
        for (const scan of ['index', 'exact'] as const) {
          const { hits } = await search(name, 5, { limit: 50, scan });
          expect(hits).toHaveLength(50);
          expect(hits.filter(({ id }) => id.endsWith('5"]'))).toEqual([]);
        }
      });

      it('finds rows of a tenant alone, as many as are asked for, by an index too', async () => {
        const exact = await search(name, -9, { limit: 30, tenant: 'small', scan: 'exact' });
        expect(exact.hits).toHaveLength(30);
        expect(exact.hits.every(({ id }) => id.startsWith('["small",'))).toBe(true);
        const byIndex = await search(name, -9, { limit: 30, tenant: 'small' });
        expect(ids(byIndex.hits).filter((id) => ids(exact.hits).includes(id)).length).toBeGreaterThan(26);
        expect(byIndex.hits.every(({ id }) => id.startsWith('["small",'))).toBe(true);
        const large = await search(name, -9, { limit: 10, tenant: 'large' });
        expect(ids(large.hits)).toEqual(
          ids((await search(name, -9, { limit: 10, tenant: 'large', scan: 'exact' })).hits),
        );
        expect((await search(name, -9, { limit: 10, tenant: `small' OR true --` })).hits).toEqual([]);
      });

      it('is in the active space of the tenant where that has one of its own', async () => {
        const spaces = (tenant?: string) => database.joined.search.spaces(name, tenant);
        expect(await spaces('small')).toEqual({ active: NORMAL, others: [OTHER] });
        await pool.query(`INSERT INTO kimera.pointers (collection, tenant, space) VALUES ($1, 'small', $2)`, [
          name,
          OTHER.fingerprint,
        ]);
        expect(await spaces('small')).toEqual({ active: OTHER, others: [NORMAL] });
        expect([await spaces('large'), await spaces()]).toEqual([
          { active: NORMAL, others: [OTHER] },
          { active: NORMAL, others: [OTHER] },
        ]);
        await expect(search(name, 1, { limit: 1, tenant: 'small' })).rejects.toMatchObject({
          code: 'SPACE_MISMATCH',
          expected: OTHER.fingerprint,
          actual: NORMAL.fingerprint,
        });
        const { hits } = await search(name, 100, { limit: 3, tenant: 'small' }, OTHER);
        expect(hits[0]).toMatchObject({ id: '["small","9007199254741090"]' });
        expect((await search(name, 1, { limit: 1, tenant: 'large' })).hits).toHaveLength(1);
      });
    });

    describe.each([
      ['vector', 'vector_cosine_ops'],
      ['halfvec', 'halfvec_l2_ops'],
    ])('by the index of an application’s own column of type %s', (type, operators) => {
      let name = '';
      beforeAll(async () => {
        name = freshName();
        await pool.query(
          `CREATE TABLE public.${name} (id bigint PRIMARY KEY, shop text, body text, "The vector" ${type}(6))`,
        );
        const client = await pool.connect();
        try {
          await client.query('BEGIN');
          await registerCollection(new Queryable(client, () => sql.pgvector), {
            ...{ name, origin: 'adopted', schema: 'public', table: name, textExpression: 'body', tenantColumn: 'shop' },
            key: [{ name: 'id', type: 'bigint', collation: null }],
            ...{ vectors: { column: 'The vector', writer: 'keeper' }, space: NORMAL },
          });
          await client.query('INSERT INTO kimera.adoptions (collection, space, rows) VALUES ($1, $2, 0)', [
            name,
            NORMAL.fingerprint,
          ]);
          await client.query('COMMIT');
        } finally {
          client.release();
        }
        await pool.query(
          `INSERT INTO public.${name} SELECT n, CASE WHEN n % 100 = 0 THEN 'small' ELSE 'large' END, 'text ' || n, dense::${type} FROM unnest($1::text[]) WITH ORDINALITY AS given (dense, n)`,
          [Array.from({ length: ROWS }, (_, i) => literal(vector(i + 1, NORMAL)))],
        );
        await pool.query(
          `INSERT INTO ${vectorsOf(name, NORMAL)} (id, content_hash, space, variant, tokenizer_revision, truncated, embedding)
           SELECT id, sha256(convert_to(body, 'UTF8')), $1, 'fp32', 1, false, "The vector"::vector FROM public.${name}`,
          [NORMAL.fingerprint],
        );
        await pool.query(`CREATE INDEX ON public.${name} USING hnsw ("The vector" ${operators})`);
        await pool.query(`ANALYZE public.${name}`);
      });

      it('finds what an exact search finds, of a tenant too', async () => {
        expect(await plan(name)).toMatch(/Index Scan using "\S+The vector/);
        for (const tenant of [undefined, 'small']) {
          const exact = await search(name, -11, { limit: 10, tenant, scan: 'exact' });
          const byIndex = await search(name, -11, { limit: 10, tenant });
          expect([byIndex.scan, exact.scan, exact.hits.length]).toEqual(['index', 'exact', 10]);
          expect(ids(byIndex.hits).filter((id) => ids(exact.hits).includes(id)).length).toBeGreaterThan(8);
        }
      });

      it('measures by the vectors that are kept, whatever has become of the column', async () => {
        const [nearest] = (await search(name, 5, { limit: 1 })).hits;
        expect(nearest).toMatchObject({ id: '5', stale: false });
        await pool.query(`UPDATE public.${name} SET body = 'changed', "The vector" = NULL WHERE id = 5`);
        const { hits } = await search(name, 5, { limit: 3, text: 'with' });
        expect(ids(hits)).not.toContain('5');
        expect((await search(name, 5, { limit: 1, text: 'with', scan: 'exact' })).hits).toMatchObject([
          { id: '5', stale: true, text: 'changed' },
        ]);
      });

      it('is left alone once the column has vectors of another space', async () => {
        await database.owner.vectors.openSpace(name, OTHER);
        expect(await found(name, OTHER)).toBeUndefined();
        await pool.query(
          `UPDATE kimera.collection_spaces SET mirror_column = 'kimera_old', mirror_type = 'vector' WHERE collection = $1 AND space = $2`,
          [name, NORMAL.fingerprint],
        );
        expect(await found(name, NORMAL)).toBeUndefined();
        await pool.query(
          `UPDATE kimera.collection_spaces SET mirror_column = 'The vector', mirror_type = 'vector' WHERE collection = $1 AND space = $2`,
          [name, NORMAL.fingerprint],
        );
        expect(await found(name, NORMAL)).toMatchObject({
          on: { column: '"The vector"', type },
        });
      });
    });

    it('leaves no setting behind', async () => {
      const name = await collection(NORMAL, 50);
      await index(name, 'hnsw (embedding vector_cosine_ops)');
      const client = await pool.connect();
      try {
        const { text, values } = nearestStatement(sql.pgvector, {
          source: await readSource(sql, name),
          held: await readSpace(sql, name, NORMAL.fingerprint),
          query: { space: NORMAL.fingerprint, dense: vector(1, NORMAL) },
          index: await found(name),
          ...{ when: 'only where active', among: 'candidates', limit: 300, rows: 'all', text: 'without', columns: [] },
        });
        const own = new Queryable(client, () => sql.pgvector);
        const setting = async (): Promise<unknown> =>
          (
            await own.row(
              z.object({ ef: z.string().nullable() }),
              `SELECT current_setting('hnsw.ef_search', true) AS ef`,
            )
          )?.ef;
        expect(await own.rows(z.object({}), text, values)).toHaveLength(50);
        expect(await setting()).not.toBe('300');
      } finally {
        client.release();
      }
    });
  });
