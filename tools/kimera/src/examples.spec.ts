import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Command } from 'commander';
import { COMMANDS } from './commands/index.js';
import { createProgram } from './program.js';
import { commandContext, kimera } from './run-kimera.fixture.js';

const folder = mkdtempSync(join(tmpdir(), 'kimera-examples-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Example {
  /** As it is printed, without the `$`. */
  readonly line: string;
  readonly words: readonly string[];
  readonly stdin: string;
}

/** What users have themselves, by the names that the help takes for it. */
const OWN_FILES: Readonly<Record<string, string>> = {
  'texts.jsonl': '{"text":"one"}\n{"text":"two"}\n',
  'docs.jsonl': '{"id":"a","text":"one"}\n{"id":"b","text":"two"}\n',
  'judged.jsonl': '{"text":"one","relevant":["a"]}\n',
  'texts.txt': 'one\ntwo\n',
  'kimera.yaml': 'PORT: 3001\n',
};
/** What earlier examples of the same help make. */
const MADE = ['./checkpoints/', './models/', './data'];
const SHIPPED = ['sentence-transformers/all-MiniLM-L6-v2', 'kimera/all-MiniLM-L6-v2-static'];

const words = (text: string): readonly string[] =>
  [...text.matchAll(/"([^"]*)"|'([^']*)'|(\S+)/g)].map(([, double, single, bare = '']) => double ?? single ?? bare);

/** Every example of every help. */
async function readExamples(): Promise<readonly Example[]> {
  const lines: string[] = [];
  const read = async (path: readonly string[]): Promise<void> => {
    const { stdout } = await kimera([...path, '--help'], folder);
    lines.push(...[...stdout.matchAll(/^ {2}\$ (kimera .*)$/gm)].map(([, line = '']) => line));
    const program = await createProgram(commandContext(folder), path);
    let command: Command | undefined = program;
    for (const name of path) command = command.commands.find((each) => each.name() === name) ?? command;
    if (path.length === 1) for (const each of command.commands) await read([...path, each.name()]);
  };
  await read([]);
  for (const { name } of COMMANDS) await read([name]);
  return [...new Set(lines)].map((line) => {
    const [, command = '', redirection = ''] = /^kimera (.*?)(?: (<<<.*|<.*|>.*))?$/.exec(line) ?? [];
    const here = /^<<< '(.*)'$/.exec(redirection)?.[1];
    const file = /^< (\S+)/.exec(redirection)?.[1];
    return { line, words: words(command), stdin: here ?? (file === undefined ? '' : (OWN_FILES[file] ?? 'absent')) };
  });
}

describe('the examples of every help', () => {
  let examples: readonly Example[];
  beforeAll(async () => {
    for (const [name, content] of Object.entries(OWN_FILES)) writeFileSync(join(folder, name), content);
    examples = await readExamples();
  });

  it('are parsed: commands, options and their values are there', async () => {
    expect(examples.length).toBeGreaterThan(50);
    for (const { line, words: given, stdin } of examples) {
      expect({ line, stdin }).not.toEqual({ line, stdin: 'absent' });
      const program = await createProgram(commandContext(folder), given);
      let parsed = '';
      const stub = (command: Command): void => {
        if (command.commands.length === 0) command.action(() => void (parsed = line));
        else command.commands.forEach(stub);
      };
      program.commands.forEach(stub);
      await program.parseAsync([...given], { from: 'user' });
      expect(parsed).toBe(line);
    }
  });

  it('name models that come with Kimera, the user’s own files, and what other examples make', () => {
    const named = examples.flatMap(({ words: given }) => given.filter((word) => /[/.]/.test(word)));
    const unknown = named.filter(
      (word) =>
        !SHIPPED.includes(word) &&
        !Object.hasOwn(OWN_FILES, word) &&
        !MADE.some((made) => word === made || (made.endsWith('/') && word.startsWith(made))),
    );
    // Ids that "models pull" fetches.
    expect(new Set(unknown)).toEqual(new Set(['BAAI/bge-m3', 'intfloat/multilingual-e5-small']));
  });

  it('run, where they need nothing that is not there', async () => {
    const quick = /^kimera (models (list|inspect sentence)|similarity|embed|tokenize)/;
    const runnable = examples.filter(({ line }) => quick.test(line) && !line.includes('./models'));
    expect(runnable.length).toBeGreaterThan(7);
    for (const { line, words: given, stdin } of runnable) {
      const { code, stderr } = await kimera(given, folder, stdin);
      expect({ line, code, stderr }).toEqual({ line, code: 0, stderr: '' });
    }
  });
});
