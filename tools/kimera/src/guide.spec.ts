import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from '@jest/globals';
import { z } from 'zod';
import { kimera, root } from './run-kimera.fixture.js';

const scratch = mkdtempSync(join(tmpdir(), 'kimera-guide-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

const lines = <T>(name: string, schema: z.ZodType<T>): readonly T[] =>
  readFileSync(join(root, 'fixtures/xquad-r', name), 'utf8')
    .trim()
    .split('\n')
    .map((line) => schema.parse(JSON.parse(line)));
const write = (name: string, rows: readonly unknown[]): void =>
  writeFileSync(join(scratch, name), rows.map((row) => `${JSON.stringify(row)}\n`).join(''));

/** The command lines of the guide, in order. */
const commands = [
  ...readFileSync(join(root, 'docs/migration-guide.md'), 'utf8').matchAll(/^```sh\n(.*?)^```/gms),
].flatMap(([, block = '']) => block.trim().split('\n'));
/** The words of a command line of the guide: quoted or bare, and the one variable that it uses. */
const words = (command: string): readonly string[] =>
  [...command.matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, bare = '']) =>
    (quoted ?? bare).replace('$MODELS', join(root, 'models')),
  );

describe('docs/migration-guide.md', () => {
  const sentences = lines('sentences.jsonl', z.object({ id: z.string(), language: z.string(), text: z.string() }));
  const some = ['en', 'de'].flatMap((language) =>
    sentences.filter((sentence) => sentence.language === language).slice(0, 120),
  );
  const ids = new Set(some.map(({ id }) => id));
  const questions = lines(
    'questions.jsonl',
    z.object({ text: z.string(), language: z.string(), answer: z.string() }),
  ).filter(({ answer }) => ids.has(answer));
  write(
    'rows.jsonl',
    some.map(({ id, text }) => ({ id, text })),
  );
  write(
    'judged.jsonl',
    questions.map(({ text, language, answer }) => ({ text, relevant: [answer], slice: language })),
  );

  it('has every step', () => {
    expect(commands.map((command) => words(command)[2])).toEqual([
      'init',
      'plan',
      'start',
      'work',
      'status',
      'verify',
      'verify',
      'cutover',
      'rollback',
      'retire',
    ]);
  });

  it.each(commands)(
    '%s',
    async (command) => {
      const [tool, ...rest] = words(command);
      expect(tool).toBe('kimera');
      const { code, stdout, stderr } = await kimera(rest, scratch);
      expect({ command, code, stderr: code === 0 ? '' : stderr, stdout: code === 0 ? '' : stdout }).toEqual({
        command,
        code: 0,
        stderr: '',
        stdout: '',
      });
    },
    120_000,
  );

  it('leaves the collection as it was', async () => {
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
    expect(status.source.current).toBe(some.length);
  });
});

describe('migrate refuses', () => {
  it.each([
    [['plan', '--collection', 'docs'], 64, '--to is missing'],
    [['status'], 64, '--collection'],
    [['status', '--database', './nowhere', '--collection', 'docs'], 1, 'holds no database'],
    [['status', '--database', './data', '--collection', 'nope'], 1, 'there is no collection "nope"'],
    [['verify', '--database', './data', '--collection', 'docs', '--margin', '2'], 64, '--margin 2'],
    [['cutover', '--database', './data', '--collection', 'docs'], 2, 'retired'],
    [['init', '--database', './data', '--collection', 'Docs!'], 1, 'cannot name a collection'],
    [['init', '--database', './data', '--collection', 'docs'], 2, 'exists'],
    [
      ['plan', '--database', './data', '--collection', 'docs', '--to', join(root, 'models/all-MiniLM-L6-v2')],
      2,
      'already',
    ],
  ])(
    '%j with %i: %s',
    async (rest, exitCode, message) => {
      const { code, stderr } = await kimera(['migrate', ...rest], scratch);
      expect(stderr).toContain(message);
      expect(code).toBe(exitCode);
    },
    60_000,
  );

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
