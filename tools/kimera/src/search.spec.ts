import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { emptyDatabase, fakeSpace } from '@kimera/testing';
import type { PostgresStore } from '@kimera/store-postgres';
import { z } from 'zod';
import { kimera } from './run-kimera.fixture.js';

const scratch = mkdtempSync(join(tmpdir(), 'kimera-search-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));
const MODEL = 'kimera/all-MiniLM-L6-v2-static';
const DOCS = [
  'The cat sleeps on the warm roof.',
  'Trains to the north leave at nine.',
  `An invoice is due ${'within thirty days '.repeat(20)}`,
];
const foundSchema = z.object({
  collection: z.string(),
  modelId: z.string(),
  space: z.string(),
  scan: z.string(),
  truncated: z.boolean(),
  hits: z.array(z.object({ id: z.string(), score: z.number(), stale: z.boolean(), text: z.string() })),
});

describe('search', () => {
  let store: PostgresStore;
  beforeAll(async () => {
    // The commands reach the database through this process, which opens it once.
    const { openStore } = await import('@kimera/store-postgres');
    await emptyDatabase(join(scratch, 'data'));
    store = await openStore({ database: join(scratch, 'data') });
    await store.collections.createCollection('foreign', fakeSpace('absent'));
    writeFileSync(join(scratch, 'docs.jsonl'), DOCS.map((text, i) => JSON.stringify({ id: `d${i}`, text })).join('\n'));
    const made = await kimera(
      ['migrate', 'init', '--database', './data', '--collection', 'docs', '--model', MODEL, '--rows', 'docs.jsonl'],
      scratch,
    );
    expect(made).toMatchObject({ code: 0 });
  }, 60_000);
  afterAll(() => store.close());

  const search = (...words: readonly string[]) => kimera(['search', '--database', './data', ...words], scratch);

  it('prints the nearest rows, best first, with the beginning of their texts', async () => {
    const { code, stdout, stderr } = await search('--collection', 'docs', 'where does the kitten sleep');
    expect([code, stderr]).toEqual([0, '']);
    const lines = stdout.trimEnd().split('\n');
    expect(lines).toHaveLength(DOCS.length + 2);
    expect(lines[1]).toMatch(/^ *0\.\d{4} +d0 +The cat sleeps on the warm roof\.$/);
    expect(lines.find((line) => line.includes('d2'))).toMatch(/…$/);
    expect(Math.max(...lines.map(({ length }) => length))).toBeLessThan(120);
    expect(lines.at(-1)).toMatch(/^exact, in space [0-9a-f]{12} of kimera\//);
  });

  it('gives the same as JSON, with whole texts', async () => {
    const { code, stdout } = await search(
      '--collection',
      'docs',
      '--limit',
      '1',
      '--json',
      '--exact',
      'an invoice is due within thirty days',
    );
    expect(code).toBe(0);
    const { hits, ...found } = foundSchema.parse(JSON.parse(stdout));
    expect(found).toMatchObject({ collection: 'docs', modelId: MODEL, scan: 'exact', truncated: false });
    expect(hits).toMatchObject([{ id: 'd2', text: DOCS[2], stale: false }]);
  });

  it('says where a query was cut', async () => {
    const { code, stderr } = await search('--collection', 'docs', 'cat '.repeat(2_000));
    expect([code, stderr]).toEqual([
      0,
      'kimera: the query is longer than the model’s limit: its beginning was searched\n',
    ]);
  });

  it.each([
    [['--collection', 'docs', ''], 64, 'the query is empty'],
    [['--collection', 'docs'], 64, 'query'],
    [['--collection', 'docs', '--limit', '0', 'a'], 64, '--limit takes a whole number from 1 to 1000'],
    [['--collection', 'nope', 'a'], 1, 'there is no collection "nope" (there: docs, foreign)'],
    [['--collection', 'docs', '--tenant', 'acme', 'a'], 1, 'hint: leave --tenant out'],
    [['--collection', 'docs', '--models', './nowhere', 'a'], 1, 'there is no file or folder'],
    [['--collection', 'foreign', 'a'], 1, 'hint: name the folder that holds it with --models'],
  ])('refuses %j', async (words, code, message) => {
    const run = await search(...words);
    expect(run.code).toBe(code);
    expect(run.stderr).toContain(message);
  });

  it('makes no database where there is none', async () => {
    const { code, stderr } = await kimera(['search', '--database', './none', '--collection', 'docs', 'a'], scratch);
    expect([code, stderr]).toEqual([1, expect.stringContaining('holds no database')]);
  });
});
