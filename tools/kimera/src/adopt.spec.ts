import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { openStaticModel } from '@kimera/backend-light';
import { Embedder } from '@kimera/embedder';
import type { PostgresStore } from '@kimera/store-postgres';
import { emptyDatabase } from '@kimera/testing';
import pg from 'pg';
import { z } from 'zod';
import { kimera, root, type Run } from './run-kimera.fixture.js';

const scratch = mkdtempSync(join(tmpdir(), 'kimera-adopt-'));
const STATIC = 'kimera/all-MiniLM-L6-v2-static';
const ROWS = 40;

describe('a table of one’s own, by the command line', () => {
  let store: PostgresStore;
  let client: pg.Client;
  const migrate = (...words: readonly string[]): Promise<Run> =>
    kimera(['migrate', ...words, '--database', './data'], scratch);

  beforeAll(async () => {
    const folder = join(scratch, 'data');
    const { openStore } = await import('@kimera/store-postgres');
    await emptyDatabase(folder);
    store = await openStore({ database: folder });
    const { port, password } = z
      .object({ port: z.number(), password: z.string() })
      .parse(JSON.parse(readFileSync(join(folder, 'kimera.lock'), 'utf8')));
    client = new pg.Client({ connectionString: `postgres://application:${password}@127.0.0.1:${port}/postgres` });
    await client.connect();
    await client.query(`CREATE TABLE documents (id bigserial PRIMARY KEY, content text, metadata jsonb, embedding vector(256));
      CREATE TABLE keyless (content text)`);
    const model = new Embedder(await openStaticModel({ path: join(root, 'models/static-minilm') }));
    // Two are longer than the 512 tokens that the model sees.
    const texts = Array.from(
      { length: ROWS },
      (_, i) => `a text about ${['rain', 'trade', 'music'][i % 3]} number ${i}${i < 2 ? ' more'.repeat(600) : ''}`,
    );
    const embeddings = await model.encodeBatch(texts);
    await client.query(
      'INSERT INTO documents (content, embedding) SELECT t, e::vector FROM unnest($1::text[], $2::text[]) r (t, e)',
      [texts, embeddings.map(({ dense = new Float32Array() }) => `[${dense.join(',')}]`)],
    );
    await client.query(`INSERT INTO documents (content) VALUES ('without a vector')`);
  }, 120_000);
  afterAll(async () => {
    await client.end();
    await store.close();
    rmSync(scratch, { recursive: true, force: true });
  });

  it('inspect prints what it is, and the line that adopts it', async () => {
    const { code, stdout } = await migrate('inspect', '--table', 'documents');
    expect(code).toBe(0);
    expect(stdout).toContain('public.documents: table, as Supabase makes it; 41 rows');
    expect(stdout).toContain(
      `kimera migrate adopt --database ./data --table public.documents --id id --text content --vector embedding --vector-writer application --model ${STATIC}`,
    );
  }, 60_000);

  it('inspect says what stands against it', async () => {
    const { code, stdout } = await migrate('inspect', '--table', 'keyless');
    expect([code, stdout]).toEqual([
      0,
      expect.stringContaining('cannot be adopted: public.keyless has no primary key'),
    ]);
    expect(await migrate('inspect', '--table', 'nothing_of_that_name')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('there is no table'),
    });
  }, 60_000);

  it.each([
    [['--table', 'documents'], 64, '--model is missing'],
    [['--table', 'documents', '--model', STATIC], 1, '--vector-writer application'],
    [['--table', 'documents', '--model', STATIC, '--vector-writer', 'nobody'], 64, 'application, keeper'],
    [
      ['--table', 'documents', '--model', 'sentence-transformers/all-MiniLM-L6-v2', '--vector-writer', 'keeper'],
      2,
      `they are those of ${STATIC}: give --model ${STATIC}, or --vector none`,
    ],
  ])(
    'adopt %j is refused with %i: %s',
    async (words, exitCode, message) => {
      const { code, stderr } = await migrate('adopt', ...words);
      expect(stderr).toContain(message);
      expect(code).toBe(exitCode);
    },
    60_000,
  );

  it('adopt proves the vectors, copies them, and says what their column is from now on', async () => {
    const words = ['adopt', '--table', 'documents', '--model', STATIC, '--vector-writer', 'application'];
    const { code, stdout, stderr } = await migrate(...words);
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toContain('40 of 40 sampled rows, embedded again, agree with embedding');
    expect(stdout).toContain(
      "40 vectors copied (2 of texts longer than the model's limit: they are of a part of them), 1 rows wait to be embedded",
    );
    expect(stdout).toContain('embedding is written by your application');
    expect(await migrate(...words)).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('is the table of collection'),
    });
    expect((await migrate('inspect', '--table', 'documents')).stdout).toContain('collection   documents');
  }, 60_000);

  it('status tells where it stands, without a migration and without its table, and ends with 0', async () => {
    const status = (...words: readonly string[]): Promise<Run> =>
      migrate('status', '--collection', 'documents', ...words);
    const idle = await status('--events');
    expect([idle.code, idle.stderr]).toEqual([0, '']);
    expect(idle.stdout).toContain('collection documents (table public.documents): idle, no migration');
    expect(idle.stdout).toContain('256 numbers) ACTIVE: 40 of 41 rows, 1 changes wait, 2 of texts cut to 512 tokens');
    expect(idle.stdout).toContain('next: kimera migrate plan --database ./data --collection documents --to MODEL');
    await client.query('ALTER TABLE documents RENAME TO hidden');
    const broken = await status();
    expect([broken.code, broken.stderr]).toEqual([0, '']);
    expect(broken.stdout).toContain('collection documents: broken, no migration');
    expect(broken.stdout).toContain('fault: table-gone: public.documents is not there');
    const { code, stdout } = await status('--json');
    expect([code, JSON.parse(stdout)]).toMatchObject([
      0,
      { status: { state: 'broken', active: null, migration: null, faults: [{ kind: 'table-gone' }] } },
    ]);
    await client.query('ALTER TABLE hidden RENAME TO documents');
    expect(JSON.parse((await status('--json')).stdout)).toMatchObject({ status: { state: 'idle', faults: [] } });
  }, 60_000);

  it('repair brings it in line after a column was renamed, and renamed back', async () => {
    const collection = ['--collection', 'documents'];
    await client.query('ALTER TABLE documents RENAME COLUMN content TO body');
    await client.query(`INSERT INTO documents (body) VALUES ('not seen')`);
    expect(await migrate('repair', ...collection)).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('content'),
    });
    await client.query('ALTER TABLE documents RENAME COLUMN body TO content');
    const { code, stdout } = await migrate('repair', ...collection);
    expect([code, stdout]).toEqual([0, expect.stringMatching(/mended: capture: INSERT of public.documents/)]);
    expect(stdout).toContain('rows queued, 0 vectors without a row removed');
    expect((await migrate('repair', ...collection)).stdout).toContain('0 rows queued');
  }, 60_000);

  it('writer gives the column to the keeper, and back', async () => {
    const writer = (...words: readonly string[]): Promise<Run> =>
      migrate('writer', '--collection', 'documents', ...words);
    expect(await writer()).toMatchObject({ code: 64, stderr: expect.stringContaining('--to') });
    expect(await writer('--to', 'nobody')).toMatchObject({ code: 64 });
    const { code, stdout, stderr } = await writer('--to', 'keeper');
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toContain('embedding of documents: the keeper writes it from now on');
    expect(stdout).toContain('INSERT: leave embedding out (NULL): the keeper embeds the row in the present space');
    expect((await writer('--to', 'keeper')).stdout).toContain('the keeper writes it already');
    const back = await writer('--to', 'application', '--json');
    expect([back.code, JSON.parse(back.stdout)]).toEqual([
      0,
      { writer: { collection: 'documents', column: 'embedding', from: 'keeper', to: 'application', filled: 0 } },
    ]);
    await client.query(`UPDATE documents SET embedding = (SELECT embedding FROM documents WHERE id = 5) WHERE id = 4`);
    expect(await writer('--to', 'keeper')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('1 of 40 sampled values in embedding are not what'),
    });
    const overwritten = await writer('--to', 'keeper', '--overwrite');
    expect(overwritten.stdout).toContain('1 of its values are now the stored vectors of their rows');
  }, 120_000);

  it('drop leaves it alone, unadopt lets it go', async () => {
    const collection = ['--collection', 'documents'];
    const unconfirmed = await migrate('drop', ...collection);
    expect(unconfirmed).toMatchObject({ code: 1, stderr: expect.stringContaining('--yes does it') });
    expect(await migrate('drop', ...collection, '--yes')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('never dropped from here'),
    });
    const { code, stdout } = await migrate('unadopt', ...collection);
    expect([code, stdout]).toEqual([0, expect.stringContaining('public.documents is as it was')]);
    const { rows } = await client.query('SELECT count(*)::int AS count FROM documents');
    expect(rows).toEqual([{ count: ROWS + 2 }]);
  }, 60_000);
});
