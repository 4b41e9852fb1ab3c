import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from '@jest/globals';
import { kimera, root, tinyCheckpoint } from './run-kimera.fixture.js';

const scratch = mkdtempSync(join(tmpdir(), 'kimera-guide-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));
cpSync(tinyCheckpoint, join(scratch, 'checkpoint'), { recursive: true });
const texts = '{"text":"one"}\n{"text":"two"}\n';
writeFileSync(join(scratch, 'texts.jsonl'), texts);

const guide = readFileSync(join(root, 'docs/converter-guide.md'), 'utf8');
const blocks = (language: string): readonly string[] =>
  [...guide.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\``, 'gms'))].map(([, block = '']) => block.trim());
/** `kimera WORDS [< texts.jsonl] [# EXIT_CODE]`. */
const commands = blocks('sh')
  .flatMap((block) => block.split('\n'))
  .map((line) => {
    const [command = '', code = '0'] = line.split(' # ');
    const [call = '', input] = command.split(' < ');
    return {
      line,
      code: Number(code),
      input: input === undefined ? '' : texts,
      words: [...call.matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, bare = '']) => quoted ?? bare),
    };
  });
/** What depends on the machine or the moment. */
const steady = (text: string): string =>
  text
    .replaceAll(scratch, '…')
    .replace(/in [\d.]+ m?s$/m, 'in …')
    .replace(/\b(max-abs|off by) [\d.e-]+/g, '$1 …')
    .replace(/ +/g, ' ');

describe('docs/converter-guide.md', () => {
  const answers: string[] = [];

  it.each(commands)('$line', async ({ words, code, input }) => {
    const [tool, ...rest] = words;
    expect(tool).toBe('kimera');
    const run = await kimera(rest, scratch, input);
    expect(run).toMatchObject({ code });
    expect(run.stderr === '').toBe(code === 0);
    answers.push(steady(run.stdout));
  });

  it('shows what the tool answers', () => {
    const shown = blocks('text').map(steady);
    expect(shown).toHaveLength(2);
    for (const block of shown) expect(answers.map((answer) => answer.trim())).toContain(block);
  });
});
