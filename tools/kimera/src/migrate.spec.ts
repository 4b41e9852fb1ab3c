import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { PostgresStore } from '@kimera/store-postgres';
import { z } from 'zod';
import { kimera, root } from './run-kimera.fixture.js';

const scratch = mkdtempSync(join(tmpdir(), 'kimera-migrate-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));
const ROWS = 30;
/** More than the 30 that a verdict needs. */
const QUERIES = 45;
// The beginning of the samples; the questions of its rows come first.
for (const [name, count] of [
  ['docs.jsonl', ROWS],
  ['judged.jsonl', QUERIES],
] as const) {
  const lines = readFileSync(join(root, 'docs/samples', name), 'utf8').split('\n');
  writeFileSync(join(scratch, name), lines.slice(0, count).join('\n'));
}
const COLLECTION = ['--database', './data', '--collection', 'docs'];
/** From the models that open fastest: each command opens its own. */
const OLD = join(root, 'models/static-minilm');
const NEW = join(root, 'models/all-MiniLM-L6-v2');

/**
 * The first command makes the database and the last one of the steps opens it, each by itself; those between reach it
 * through this process, since to open it takes longer than most of them.
 */
async function held(): Promise<PostgresStore> {
  const { openStore } = await import('@kimera/store-postgres');
  return openStore({ database: join(scratch, 'data') });
}

describe('a migration, step by step', () => {
  let store: PostgresStore | undefined;
  it.each([
    [0, 'init', ...COLLECTION, '--model', OLD, '--rows', 'docs.jsonl'],
    [0, 'plan', ...COLLECTION, '--to', NEW, '--delta', '0.03'],
    [0, 'start', ...COLLECTION],
    [0, 'work', ...COLLECTION],
    [0, 'status', ...COLLECTION],
    // Fixed by the plan.
    [2, 'verify', ...COLLECTION, '--delta', '0.05'],
    // The new model is better here, but so few questions do not prove it.
    [3, 'verify', ...COLLECTION, '--queries', 'judged.jsonl'],
    [0, 'verify', ...COLLECTION, '--accept', 'compared fifty searches by hand'],
    [0, 'cutover', ...COLLECTION],
    [0, 'rollback', ...COLLECTION],
    [0, 'retire', ...COLLECTION],
  ] as readonly (readonly [number, ...string[]])[])(
    'ends with %i: migrate %s',
    async (expected, ...words) => {
      const { code, stdout, stderr } = await kimera(['migrate', ...words], scratch);
      const said = code === expected ? {} : { stderr, stdout };
      expect({ words, code, ...said }).toEqual({ words, code: expected });
      store ??= await held();
    },
    120_000,
  );

  afterAll(() => store?.close());

  it('leaves the collection as it was', async () => {
    await store?.close();
    store = undefined;
    const { stdout } = await kimera(
      ['migrate', 'status', '--database', './data', '--collection', 'docs', '--json'],
      scratch,
    );
    const { status } = z
      .object({
        status: z.object({
          activeSpace: z.string(),
          migration: z.object({ state: z.string(), source: z.object({ fingerprint: z.string() }) }),
          source: z.object({ current: z.number() }),
          target: z.null(),
        }),
      })
      .parse(JSON.parse(stdout));
    expect(status.migration.state).toBe('retired');
    expect(status.activeSpace).toBe(status.migration.source.fingerprint);
    expect(status.source.current).toBe(ROWS);
  });
});

describe('migrate refuses', () => {
  let store: PostgresStore;
  beforeAll(async () => {
    store = await held();
  });
  afterAll(() => store.close());

  it.each([
    [['plan', '--collection', 'docs'], 64, '--to is missing'],
    [['status'], 64, '--collection'],
    [['status', '--database', './nowhere', '--collection', 'docs'], 1, 'holds no database'],
    [['status', '--database', './data', '--collection', 'nope'], 1, 'there is no collection "nope"'],
    [['verify', '--database', './data', '--collection', 'docs', '--delta', '2'], 64, '--delta 2'],
    [['cutover', '--database', './data', '--collection', 'docs'], 2, 'retired'],
    [['init', '--database', './data', '--collection', 'Docs!', '--model', OLD], 1, 'cannot name a collection'],
    [['init', '--database', './data', '--collection', 'docs', '--model', OLD], 2, 'exists'],
    [['plan', '--database', './data', '--collection', 'docs', '--to', OLD], 2, 'already'],
  ])(
    '%j with %i: %s',
    async (rest, exitCode, message) => {
      const { code, stderr } = await kimera(['migrate', ...rest], scratch);
      expect(stderr).toContain(message);
      expect(code).toBe(exitCode);
    },
    60_000,
  );

  // How long the rest takes: console/progress.spec.ts. Which amounts are drawn here depends on the machine.
  it('shows how many rows are done, of how many', async () => {
    const rows = Array.from({ length: 300 }, (_, i) => JSON.stringify({ id: `r${i}`, text: `row ${i}` })).join('\n');
    writeFileSync(join(scratch, 'many.jsonl'), rows);
    let shown = '';
    const words = [
      'migrate',
      'init',
      '--database',
      './data',
      '--collection',
      'many',
      '--model',
      OLD,
      '--rows',
      'many.jsonl',
    ];
    const { code } = await kimera(words, scratch, '', { onProgress: (text) => (shown += text) });
    expect(code).toBe(0);
    expect(shown).toContain('300 of 300 rows');
  }, 60_000);

  it('rows that are none, and says which line', async () => {
    writeFileSync(join(scratch, 'bad.jsonl'), '{"id":"a","text":"fine"}\n{"id":"b"}\n');
    const { code, stderr } = await kimera(
      ['migrate', 'init', '--database', './data', '--collection', 'bad', '--rows', 'bad.jsonl'],
      scratch,
    );
    expect(code).toBe(1);
    expect(stderr).toContain('line 2');
  }, 60_000);
});
