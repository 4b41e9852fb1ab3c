import { createHash } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import type { AdoptionRequest, StoredVector } from '@kimera/core';
import { fakeSpace, rejection } from '@kimera/testing';
import type { QueryResult } from 'pg';
import { z } from 'zod';
import { TEST_DATABASES, type TestDatabase } from '../test-databases.fixture.js';

const SPACE = fakeSpace('adopted', { dimension: 3 });
const STAMP = { variant: 'fp32', tokenizerRevision: 1 } as const;
const ROWS = 25;
/** Exact in float16 too. */
const numbers = (i: number): readonly number[] => [1, i / 8, -i];
const list = (i: number): string => `[${numbers(i).join(',')}]`;
const contentHash = (of: string): string => createHash('sha256').update(of).digest('hex');
const text = (i: number): string => `text ${i}`;

describe.each(TEST_DATABASES)('an adopted table on %s', (_, open) => {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await open();
  }, 60_000);
  afterAll(() => database.close());
  // Names are free again, on a server too.
  afterEach(async () => {
    const { rows } = await sql(`SELECT name FROM kimera.collections WHERE name LIKE 'mine%'`);
    for (const { name } of z.array(z.object({ name: z.string() })).parse(rows))
      await database.owner.adoption.unadopt(name);
    await sql('DROP TABLE IF EXISTS mine, mine_renamed CASCADE');
  });

  const sql = (statement: string, values: readonly unknown[] = []): Promise<QueryResult> =>
    database.application.pool.query(statement, values.length === 0 ? undefined : [...values]);
  const request = (more: Partial<AdoptionRequest> = {}): AdoptionRequest => ({
    table: 'public.mine',
    vectorWriter: 'application',
    ...more,
  });
  const adopt = async (more: Partial<AdoptionRequest> = {}, stamp: typeof STAMP | null = STAMP): Promise<void> =>
    (await database.owner.adoption.check(request(more), SPACE)).begin(stamp);
  const copyAll = async (limit = 10): Promise<unknown> => {
    let progress = await database.owner.adoption.progress('mine');
    while (!progress.finished) progress = await database.owner.adoption.copyVectors('mine', limit, areCut);
    return progress;
  };
  /** The longest texts, from `text 20` on, are longer than the model's limit. */
  const areCut = async (texts: readonly string[]): Promise<readonly boolean[]> =>
    texts.map((each) => Number(each.slice('text '.length)) >= 20);
  const vectors = (): Promise<readonly StoredVector[]> => database.owner.vectors.readVectors('mine', SPACE.fingerprint);
  const waiting = async (): Promise<readonly string[]> =>
    (await database.owner.changes.readPending('mine', SPACE.fingerprint, 100)).map(({ id }) => id).sort();
  const fill = (value: (i: number) => string): string =>
    Array.from({ length: ROWS }, (_row, i) => `(${i + 1}, '${text(i + 1)}', ${value(i + 1)})`).join(', ');

  it.each([
    ['vector(3)', (i: number) => `'${list(i)}'`],
    ['vector', (i: number) => `'${list(i)}'`],
    ['halfvec(3)', (i: number) => `'${list(i)}'`],
    ['real[]', (i: number) => `'{${numbers(i).join(',')}}'`],
    ['double precision[]', (i: number) => `'{${numbers(i).join(',')}}'`],
    ['jsonb', (i: number) => `'${list(i)}'`],
    ['json', (i: number) => `'${list(i)}'`],
    ['bytea', (i: number) => `'\\x${Buffer.from(Float32Array.from(numbers(i)).buffer).toString('hex')}'`],
  ])('has its vectors of %s copied bit by bit, in batches', async (type, value) => {
    await sql(`CREATE TABLE mine (id bigint PRIMARY KEY, content text, embedding ${type})`);
    await sql(`INSERT INTO mine VALUES ${fill(value)}`);
    await adopt();
    expect(await copyAll(7)).toEqual({
      ...{ rows: ROWS, copied: ROWS, queued: 0, unreadable: 0, finished: true },
      truncated: ROWS - 19,
    });
    const stored = await vectors();
    expect(stored).toHaveLength(ROWS);
    for (const { id, dense, contentHash: hash, space, variant, truncated } of stored) {
      expect([id, truncated]).toEqual([id, Number(id) >= 20]);
      expect(dense).toEqual(Float32Array.from(numbers(Number(id))));
      expect({ hash, space, variant }).toEqual({
        hash: contentHash(text(Number(id))),
        space: SPACE.fingerprint,
        variant: 'fp32',
      });
    }
    expect(await waiting()).toEqual([]);
  });

  it('queues rows without a vector, and those whose value is none', async () => {
    await sql('CREATE TABLE mine (id bigint PRIMARY KEY, content text, embedding jsonb)');
    await sql(
      `INSERT INTO mine VALUES (1, 'a', '[1,2,3]'), (2, 'b', NULL), (3, 'c', '[1,2]'), (4, 'd', '"x"'), (5, NULL, '[1,2,3]')`,
    );
    await adopt();
    expect(await copyAll()).toMatchObject({ copied: 1, queued: 3, unreadable: 2, finished: true });
    expect((await vectors()).map(({ id }) => id)).toEqual(['1']);
    expect(await waiting()).toEqual(['2', '3', '4']);
  });

  it('queues every row where no vector is read', async () => {
    await sql('CREATE TABLE mine (id bigint PRIMARY KEY, content text, embedding vector(3))');
    await sql(`INSERT INTO mine VALUES ${fill((i) => `'${list(i)}'`)}`);
    await adopt({}, null);
    expect(await copyAll()).toMatchObject({ copied: 0, queued: ROWS, unreadable: 0 });
    expect(await waiting()).toHaveLength(ROWS);
  });

  it('does not copy the vector of a text that has changed since, whoever is quicker', async () => {
    await sql('CREATE TABLE mine (id bigint PRIMARY KEY, content text, embedding vector(3))');
    await sql(`INSERT INTO mine VALUES ${fill((i) => `'${list(i)}'`)}`);
    await adopt();
    await database.owner.adoption.copyVectors('mine', 10, areCut);
    await sql(`UPDATE mine SET content = 'new' WHERE id IN (3, 15)`);
    await sql(`INSERT INTO mine VALUES (100, 'later', '${list(100)}')`);
    await sql('DELETE FROM mine WHERE id IN (4, 16)');
    await copyAll();
    const stored = new Map((await vectors()).map((vector) => [vector.id, vector]));
    expect(stored.has('15')).toBe(false);
    expect(stored.has('100')).toBe(false);
    expect(stored.get('3')?.contentHash).toBe(contentHash(text(3)));
    expect(await waiting()).toEqual(expect.arrayContaining(['100', '15', '3']));
    // Of the rest every vector is that of the row's text.
    const fresh = await database.owner.collections.readRange('mine', { after: null, upTo: null });
    for (const { id, contentHash: hash } of fresh)
      expect([id, stored.get(id)?.contentHash === hash]).toEqual([id, !['3', '15', '100'].includes(id)]);
  });

  it('takes copying up where another process stopped', async () => {
    await sql('CREATE TABLE mine (id bigint PRIMARY KEY, content text, embedding vector(3))');
    await sql(`INSERT INTO mine VALUES ${fill((i) => `'${list(i)}'`)}`);
    await adopt();
    await database.owner.adoption.copyVectors('mine', 10, areCut);
    const again = await database.joined.adoption.check(request(), SPACE);
    expect(again).toMatchObject({ begun: 'before', collection: 'mine', id: ['id'], text: 'content' });
    await again.begin(STAMP);
    const [one, two] = await Promise.all([
      database.owner.adoption.copyVectors('mine', 10, areCut),
      database.joined.adoption.copyVectors('mine', 10, areCut),
    ]);
    expect(Math.max(one.copied, two.copied)).toBe(ROWS);
    expect(await vectors()).toHaveLength(ROWS);
    // Now it is a collection like others.
    expect(await rejection(() => database.owner.adoption.check(request(), SPACE))).toMatchObject({
      code: 'TABLE_ADOPTED',
    });
  });

  it('is not gone on with under other options', async () => {
    await sql('CREATE TABLE mine (id bigint PRIMARY KEY, content text, embedding vector(3))');
    await adopt();
    const error = await rejection(() => database.owner.adoption.check(request({ vectorWriter: 'keeper' }), SPACE));
    expect(error).toMatchObject({ code: 'ADOPTION_UNFINISHED', differing: ['--vector-writer'] });
    const other = fakeSpace('another', { dimension: 3 });
    expect(await rejection(() => database.owner.adoption.check(request(), other))).toMatchObject({
      code: 'ADOPTION_UNFINISHED',
      differing: [`--model ${other.modelId}`],
    });
  });

  it('of two processes that adopt it at once, one does; nothing of the other is left', async () => {
    await sql('CREATE TABLE mine (id bigint PRIMARY KEY, content text, embedding vector(3))');
    const [one, two] = [
      await database.owner.adoption.check(request(), SPACE),
      await database.joined.adoption.check(request({ collection: 'mine_too' }), SPACE),
    ];
    const outcomes = await Promise.all([rejection(() => one.begin(STAMP)), rejection(() => two.begin(STAMP))]);
    expect(outcomes.filter((outcome) => outcome === undefined)).toHaveLength(1);
    expect(outcomes.find((outcome) => outcome !== undefined)).toMatchObject({ code: 'TABLE_ADOPTED' });
    const { rows } = await sql(`SELECT count(*) FROM kimera.collections WHERE name LIKE 'mine%'`);
    expect(rows).toEqual([{ count: '1' }]);
  });

  it('with a key of several columns, an expression and a tenant', async () => {
    await sql(
      `CREATE TABLE mine (shop uuid, sku varchar(20), title text NOT NULL, body text, embedding real[], PRIMARY KEY (shop, sku))`,
    );
    const shop = '0f9c5f3e-93a5-4a9b-8d1c-000000000001';
    await sql(
      `INSERT INTO mine VALUES ('${shop}', 'a"1', 'Shoe', NULL, '{1,2,3}'), ('${shop}', 'b', 'Hat', 'warm', '{4,5,6}')`,
    );
    await adopt({ text: `title || ' ' || coalesce(body, '')`, tenant: 'shop' });
    await copyAll(1);
    expect((await vectors()).map(({ id, contentHash: hash }) => [id, hash])).toEqual([
      [JSON.stringify([shop, 'a"1']), contentHash('Shoe ')],
      [JSON.stringify([shop, 'b']), contentHash('Hat warm')],
    ]);
  });

  it('that is partitioned: rows are copied, and changes by way of a partition are queued', async () => {
    await sql(`CREATE TABLE mine (id bigint, content text, embedding vector(3), PRIMARY KEY (id)) PARTITION BY RANGE (id);
      CREATE TABLE mine_low PARTITION OF mine FOR VALUES FROM (0) TO (10); CREATE TABLE mine_high PARTITION OF mine FOR VALUES FROM (10) TO (1000)`);
    await sql(`INSERT INTO mine VALUES ${fill((i) => `'${list(i)}'`)}`);
    await adopt();
    await copyAll();
    expect(await vectors()).toHaveLength(ROWS);
    await sql(`UPDATE mine_high SET content = 'new' WHERE id = 12; INSERT INTO mine_low VALUES (0, 'first', NULL)`);
    expect(await waiting()).toEqual(['0', '12']);
  });

  it.each(['vector(3)', 'halfvec(3)', 'real[]'])(
    'whose column of %s the keeper writes: it gets each new vector',
    async (type) => {
      await sql(`CREATE TABLE mine (id bigint PRIMARY KEY, content text, embedding ${type})`);
      const old = type === 'real[]' ? `'{1,2,3}'` : `'[1,2,3]'`;
      await sql(`INSERT INTO mine VALUES (1, 'a', ${old}), (2, 'b', NULL)`);
      await adopt({ vectorWriter: 'keeper' });
      await copyAll();
      const rows = await database.owner.changes.readPending('mine', SPACE.fingerprint, 10);
      const dense = Float32Array.from([4, 5, 6]);
      await database.owner.vectors.writeVectors(
        'mine',
        SPACE.fingerprint,
        rows.map(({ id, contentHash: hash }) => ({ id, contentHash: hash, dense, ...STAMP, truncated: false })),
      );
      const { rows: seen } = await sql('SELECT id, embedding::real[]::text AS embedding FROM mine ORDER BY id');
      expect(seen).toEqual([
        { id: '1', embedding: '{1,2,3}' },
        { id: '2', embedding: '{4,5,6}' },
      ]);
      // Not taken for the application's.
      expect(await database.owner.adoption.observedVectorWrites('mine')).toMatchObject({ updates: 0 });
    },
  );

  describe('whose vector column the application writes', () => {
    const observed = (since?: Date) => database.owner.adoption.observedVectorWrites('mine', since);

    it('is observed: statements that set it, not those that leave it alone', async () => {
      await sql('CREATE TABLE mine (id bigint PRIMARY KEY, content text, embedding vector(3), clicks int)');
      await adopt();
      await sql(`INSERT INTO mine VALUES (1, 'a', NULL, 0)`);
      await sql(`UPDATE mine SET content = 'b', clicks = 1`);
      expect(await observed()).toEqual({ inserts: 0, updates: 0, last: null });
      await sql(`INSERT INTO mine VALUES (2, 'a', '[1,2,3]', 0), (3, 'c', NULL, 0)`);
      expect(await observed()).toMatchObject({ inserts: 1, updates: 0 });
      await sql(`UPDATE mine SET embedding = '[1,2,3]' WHERE id = 1`);
      const { updates, last } = await observed();
      expect({ updates, recent: Date.now() - Date.parse(last ?? '') < 60_000 }).toEqual({ updates: 1, recent: true });
      expect(await observed(new Date(Date.now() + 60_000))).toEqual({ inserts: 0, updates: 0, last: null });
    });

    it('is noted once a minute and kind, however often it is written', async () => {
      await sql('CREATE TABLE mine (id bigint PRIMARY KEY, content text, embedding vector(3))');
      await adopt();
      for (let i = 0; i < 20; i++) await sql(`INSERT INTO mine VALUES (${i}, 'a', '[1,2,3]')`);
      await sql(`UPDATE mine SET embedding = '[3,2,1]'`);
      await sql(`UPDATE mine SET embedding = '[3,2,2]'`);
      expect(await observed()).toMatchObject({ inserts: 1, updates: 1 });
    });

    it('fails no statement where the column has gone or has another name', async () => {
      await sql('CREATE TABLE mine (id bigint PRIMARY KEY, content text, embedding vector(3), vector_2 vector(3))');
      await adopt({ vector: 'embedding' });
      await sql(`INSERT INTO mine VALUES (1, 'a', '[1,2,3]', NULL)`);
      await sql('DELETE FROM kimera.observed_writes');
      await sql(
        'ALTER TABLE mine RENAME COLUMN embedding TO old; UPDATE mine SET old = NULL; ALTER TABLE mine DROP COLUMN old',
      );
      await sql(`INSERT INTO mine VALUES (2, 'b', '[1,2,3]')`);
      expect(await observed()).toEqual({ inserts: 0, updates: 0, last: null });
    });
  });

  describe('whose vector column gets another writer', () => {
    const change = (to: 'keeper' | 'application', more: object = {}) =>
      database.owner.adoption.changeWriter('mine', to, more);
    const embed = async (dense: readonly number[]): Promise<void> => {
      const rows = await database.owner.changes.readPending('mine', SPACE.fingerprint, 10);
      const fresh = { dense: Float32Array.from(dense), ...STAMP, truncated: false };
      await database.owner.vectors.writeVectors(
        'mine',
        SPACE.fingerprint,
        rows.map(({ id, contentHash: hash }) => ({ id, contentHash: hash, ...fresh })),
      );
    };
    const column = async (): Promise<readonly unknown[]> =>
      (await sql('SELECT embedding::real[]::text AS embedding FROM mine ORDER BY id')).rows.map(
        ({ embedding }: { embedding: unknown }) => embedding,
      );
    const setState = (id: string, state: string): Promise<QueryResult> =>
      sql('UPDATE kimera.migrations SET state = $2 WHERE id = $1', [id, state]);

    it.each(['vector(3)', 'halfvec(3)', 'real[]'])(
      'has the stored vectors in its column of %s, and new ones from then on; then what the application writes stays',
      async (type) => {
        const value = (numbersOf: string): string => (type === 'real[]' ? `'{${numbersOf}}'` : `'[${numbersOf}]'`);
        await sql(`CREATE TABLE mine (id bigint PRIMARY KEY, content text, embedding ${type})`);
        await sql(`INSERT INTO mine VALUES (1, 'a', ${value('1,2,3')}), (2, 'b', NULL), (3, NULL, ${value('7,7,7')})`);
        await adopt();
        await copyAll();
        await embed([4, 5, 6]);
        // Its own vector of a text of its own, all but the same; and one that has changed with its text since.
        await sql(`INSERT INTO mine VALUES (4, 'd', ${value('4,5,6.25')}), (5, 'e', ${value('4,5,6')})`);
        await embed([4, 5, 6]);
        await sql(`UPDATE mine SET content = 'later', embedding = ${value('9,8,7')} WHERE id = 5`);
        expect(await column()).toEqual(['{1,2,3}', null, '{7,7,7}', '{4,5,6.25}', '{9,8,7}']);
        expect(await change('keeper')).toEqual({
          ...{ collection: 'mine', column: 'embedding', from: 'application', to: 'keeper' },
          filled: 2,
        });
        expect(await column()).toEqual(['{1,2,3}', '{4,5,6}', '{7,7,7}', '{4,5,6}', '{9,8,7}']);
        expect((await database.owner.adoption.adopted('mine')).vector).toEqual({
          column: 'embedding',
          writer: 'keeper',
        });
        await sql(`INSERT INTO mine VALUES (6, 'f', NULL)`);
        await embed([6, 6, 6]);
        expect(await column()).toEqual(['{1,2,3}', '{4,5,6}', '{7,7,7}', '{4,5,6}', '{6,6,6}', '{6,6,6}']);
        expect(await change('keeper')).toMatchObject({ from: 'keeper', filled: 0 });
        expect(await change('application')).toMatchObject({ from: 'keeper', to: 'application', filled: 0 });
        await sql(`UPDATE mine SET content = 'again' WHERE id = 6`);
        await embed([1, 1, 1]);
        expect((await column()).at(-1)).toBe('{6,6,6}');
      },
    );

    it('overwrites no value that is not the vector of its text, unless that is accepted', async () => {
      await sql('CREATE TABLE mine (id bigint PRIMARY KEY, content text, embedding vector(3))');
      await sql(`INSERT INTO mine VALUES ${fill((i) => `'${list(i)}'`)}`);
      await adopt();
      await copyAll();
      await sql(`UPDATE mine SET embedding = '[1,0,0]' WHERE id = 7`);
      expect(await rejection(() => change('keeper'))).toMatchObject({
        ...{ code: 'VECTOR_WRITER_DISAGREES', sampled: ROWS, ids: ['7'] },
      });
      expect((await database.owner.adoption.adopted('mine')).vector?.writer).toBe('application');
      expect((await column())[6]).toBe('{1,0,0}');
      expect(await change('keeper', { overwrite: true })).toMatchObject({ filled: 1 });
      expect((await column())[6]).toBe(`{${numbers(7).join(',')}}`);
    });

    it('goes on after it was stopped', async () => {
      await sql('CREATE TABLE mine (id bigint PRIMARY KEY, content text, embedding vector(3))');
      await sql(`INSERT INTO mine VALUES (1, 'a', NULL)`);
      await adopt();
      await copyAll();
      await embed([4, 5, 6]);
      const reason = new Error('stopped');
      expect(await rejection(() => change('keeper', { signal: AbortSignal.abort(reason) }))).toBe(reason);
      expect((await database.owner.adoption.adopted('mine')).vector?.writer).toBe('application');
      expect(await change('keeper')).toMatchObject({ from: 'application', filled: 1 });
    });

    it('not where a rollback needs what is in the column: after a cutover, and in place', async () => {
      await sql('CREATE TABLE mine (id bigint PRIMARY KEY, content text, embedding vector(3))');
      await adopt();
      await copyAll();
      const next = fakeSpace('next', { dimension: 4 });
      const { id } = await database.owner.migrations.createMigration('mine', next, 'spec', {});
      await setState(id, 'cut-over');
      expect(await rejection(() => change('keeper'))).toMatchObject({
        ...{ code: 'VECTOR_WRITER_UNDER_MIGRATION', state: 'cut-over', isInPlace: false },
      });
      // Nothing is asked for.
      expect(await change('application')).toMatchObject({ filled: 0 });
      await setState(id, 'ready');
      expect(await change('keeper')).toMatchObject({ to: 'keeper' });
      await sql(`INSERT INTO kimera.in_place (migration, accepted) VALUES ($1, '{}')`, [id]);
      expect(await rejection(() => change('application'))).toMatchObject({
        ...{ code: 'VECTOR_WRITER_UNDER_MIGRATION', state: 'ready', isInPlace: true },
      });
      await setState(id, 'retired');
      expect(await change('application')).toMatchObject({ from: 'keeper' });
    });

    it('not while its vectors are copied, not without a column, not one that the keeper cannot write', async () => {
      await sql('CREATE TABLE mine (id bigint PRIMARY KEY, content text, embedding jsonb)');
      await adopt();
      expect(await rejection(() => change('keeper'))).toMatchObject({ code: 'ADOPTION_UNFINISHED' });
      await copyAll();
      expect(await rejection(() => change('keeper'))).toMatchObject({ code: 'KEEPER_COLUMN' });
      await sql('ALTER TABLE mine DROP COLUMN embedding');
      expect(await rejection(() => change('keeper'))).toMatchObject({ code: 'KEEPER_COLUMN' });
      await database.owner.adoption.unadopt('mine');
      await sql('ALTER TABLE mine ADD COLUMN embedding vector(5)');
      // Searches use a space of another dimension, as after a cutover that was not in place.
      await (await database.owner.adoption.check({ table: 'public.mine', vector: null }, SPACE)).begin(null);
      await copyAll();
      expect(await rejection(() => change('keeper'))).toMatchObject({ code: 'NO_VECTOR_COLUMN' });
      await sql(
        `UPDATE kimera.collections SET vector_column = 'embedding', vector_writer = 'application' WHERE name = 'mine'`,
      );
      expect(await rejection(() => change('keeper'))).toMatchObject({
        ...{ code: 'KEEPER_COLUMN', reason: expect.stringContaining('takes 5 numbers') },
      });
    });
  });

  describe('that is let go', () => {
    it('has no trigger any more, and its rows and columns are as they were', async () => {
      await sql('CREATE TABLE mine (id bigint PRIMARY KEY, content text, embedding vector(3))');
      await sql(`INSERT INTO mine VALUES ${fill((i) => `'${list(i)}'`)}`);
      const before = await sql('SELECT * FROM mine ORDER BY id');
      await adopt();
      await copyAll();
      expect(await database.owner.adoption.unadopt('mine')).toMatchObject({
        collection: 'mine',
        table: 'public.mine',
        tableIsThere: true,
        spaces: [SPACE.modelId],
      });
      expect((await sql('SELECT * FROM mine ORDER BY id')).rows).toEqual(before.rows);
      const { rows } = await sql(`SELECT tgname FROM pg_trigger WHERE tgrelid = 'mine'::regclass`);
      expect(rows).toEqual([]);
    });

    it('though it was renamed, broken or dropped meanwhile', async () => {
      for (const harm of [
        'ALTER TABLE mine RENAME TO mine_renamed',
        'ALTER TABLE mine RENAME COLUMN content TO body',
        'ALTER TABLE mine DROP COLUMN embedding',
        'DROP TABLE mine CASCADE',
        'DROP TRIGGER kimera_inserted ON mine',
      ]) {
        await sql('DROP TABLE IF EXISTS mine, mine_renamed CASCADE');
        await sql('CREATE TABLE mine (id bigint PRIMARY KEY, content text, embedding vector(3))');
        await adopt();
        await sql(harm);
        await database.owner.adoption.unadopt('mine');
        const { rows } = await sql(
          `SELECT tgname FROM pg_trigger WHERE tgrelid IN (to_regclass('mine'), to_regclass('mine_renamed'))`,
        );
        expect([harm, rows]).toEqual([harm, []]);
      }
    });

    it('not under a migration, which is retired first', async () => {
      await sql('CREATE TABLE mine (id bigint PRIMARY KEY, content text, embedding vector(3))');
      await adopt();
      const { id } = await database.owner.migrations.createMigration(
        'mine',
        fakeSpace('next', { dimension: 4 }),
        'spec',
        {},
      );
      expect(await rejection(() => database.owner.adoption.unadopt('mine'))).toMatchObject({
        code: 'MIGRATION_UNDER_WAY',
        migration: id,
      });
      await sql(`UPDATE kimera.migrations SET state = 'retired' WHERE id = $1`, [id]);
      expect(await database.owner.adoption.unadopt('mine')).toMatchObject({ migrations: 1 });
    });

    it('is not what a table of ours is, nor dropped as one of ours', async () => {
      await sql('CREATE TABLE mine (id bigint PRIMARY KEY, content text, embedding vector(3))');
      await adopt();
      expect(await rejection(() => database.owner.adoption.drop('mine'))).toMatchObject({ code: 'ADOPTED_COLLECTION' });
      await database.owner.collections.createCollection('ours', SPACE);
      expect(await rejection(() => database.owner.adoption.unadopt('ours'))).toMatchObject({ code: 'NOT_ADOPTED' });
      await sql('CREATE VIEW of_ours AS SELECT * FROM ours');
      expect(await rejection(() => database.owner.adoption.drop('ours'))).toMatchObject({ code: 'TABLE_IN_USE' });
      expect(await database.owner.collections.countRows('ours')).toBe(0);
      await sql('DROP VIEW of_ours');
      expect(await database.owner.adoption.drop('ours')).toMatchObject({ table: 'public.ours', origin: 'created' });
      expect((await sql(`SELECT to_regclass('ours') AS there`)).rows).toEqual([{ there: null }]);
      // Dropped by hand before: the name is free again too.
      await database.owner.collections.createCollection('ours', SPACE);
      await sql('DROP TABLE ours CASCADE');
      expect(await database.owner.adoption.drop('ours')).toMatchObject({ tableIsThere: false });
      await database.owner.collections.createCollection('ours', SPACE);
      await database.owner.adoption.drop('ours');
    });
  });
});
