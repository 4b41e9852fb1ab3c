import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { z } from 'zod';
import { COMMANDS } from './commands/index.js';
import { colorsFor } from './console/output.js';
import { killKimeras, kimera, kimeraProcess, root } from './run-kimera.fixture.js';

let scratch = '';
beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'kimera-cli-'));
});
afterEach(killKimeras);
afterAll(() => rm(scratch, { recursive: true, force: true }));

const { version } = z
  .object({ version: z.string() })
  .parse(JSON.parse(readFileSync(join(root, 'tools/kimera/package.json'), 'utf8')));
const MODELS = ['list', 'pull', 'convert', 'verify', 'inspect', 'bench'];

describe('help', () => {
  it.each([[[]], ...COMMANDS.map(({ name }) => [[name]]), ...MODELS.map((name) => [['models', name]])])(
    '%j: on stdout, with examples that name the command',
    async (words) => {
      const { code, stdout, stderr } = await kimera([...words, '--help'], scratch);
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
      expect(stdout).toMatch(new RegExp(`^Usage: ${['kimera', ...words].join(' ')} `));
      expect(stdout).toMatch(new RegExp(`Examples:\\n  \\$ kimera ${words.join(' ')}`));
      expect(await kimera(['help', ...words], scratch)).toEqual({ code, stdout, stderr });
    },
  );

  it('the root lists every command and the exit codes', async () => {
    const { stdout } = await kimera(['--help'], scratch);
    for (const { name, summary } of COMMANDS) expect(stdout).toMatch(new RegExp(`^  ${name} +${summary}$`, 'm'));
    expect(stdout).toContain('64 wrong usage');
  });

  it('--version', async () => {
    expect(await kimera(['--version'], scratch)).toEqual({ code: 0, stdout: `${version}\n`, stderr: '' });
  });
});

describe('wrong usage: 64, one line on stderr with the help of the command that was called, nothing on stdout', () => {
  it.each([
    [['modles', 'list'], "unknown command 'modles' (did you mean models?)", ''],
    [['models', 'lst'], "unknown command 'lst' (did you mean list?)", 'models '],
    [['models', 'convert', 'x', '--varint', 'fp16'], "'--varint' (did you mean --variants?)", 'models convert '],
    [['models', 'convert', 'x', '--variants', 'fp8', '--out', 'y'], 'fp32, fp16, q4', 'models convert '],
    [['models', 'verify'], "missing required argument 'model'", 'models verify '],
    [['models', 'bench', 'x', '--threads', '0'], 'whole number', 'models bench '],
    [['embed', '--head', 'thick'], 'Heads are dense, sparse, colbert', 'embed '],
    [['embed', '--role', 'queen'], 'unknown role "queen": expected "query" or "document"', 'embed '],
    [['similarity', 'a', 'b', '--role', 'queen'], 'unknown role "queen"', 'similarity '],
    [['similarity', 'alone'], 'at least 2', 'similarity '],
    [['migrate', 'plan', '--collection', 'docs'], '--to is missing', 'migrate plan '],
    [['migrate', 'verify', '--collection', 'docs', '--delta', '2'], '--delta 2', 'migrate verify '],
  ])('%j', async (words, message, command) => {
    const { code, stdout, stderr } = await kimera(words, scratch);
    expect({ code, stdout }).toEqual({ code: 64, stdout: '' });
    expect(stderr).toMatch(new RegExp(`^kimera: [^\\n]+; hint: kimera ${command}--help\\n$`));
    expect(stderr).toContain(message);
  });

  it.each([[[]], [['models']]])('%j without a command shows the help on stderr', async (words) => {
    const { code, stdout, stderr } = await kimera(words, scratch);
    expect({ code, stdout }).toEqual({ code: 64, stdout: '' });
    expect(stderr).toContain('Commands:');
  });

  it('with --json there is one document on stdout as well', async () => {
    const { code, stdout } = await kimera(['models', 'verify', '--json'], scratch);
    expect(code).toBe(64);
    expect(JSON.parse(stdout)).toMatchObject({ error: { code: 'USAGE' } });
  });
});

describe('a file that is not there', () => {
  it.each([
    ['models', 'inspect', './nowhere.onnx'],
    ['models', 'bench', 'sentence-transformers/all-MiniLM-L6-v2', '--texts', 'nowhere.jsonl'],
    ['models', 'convert', './nowhere', '--out', './out'],
    ['models', 'verify', 'sentence-transformers/all-MiniLM-L6-v2', '--against', './nowhere'],
    ['models', 'verify', 'sentence-transformers/all-MiniLM-L6-v2', '--published', 'nowhere.json'],
    ['migrate', 'init', '--collection', 'docs', '--rows', 'nowhere.jsonl'],
    ['migrate', 'verify', '--collection', 'docs', '--queries', 'nowhere.jsonl'],
  ])('%s %s %s %s %s %s', async (...words) => {
    const { code, stdout, stderr } = await kimera([...words, '--json'], scratch);
    expect(code).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({ error: { code: 'INPUT_NOT_FOUND' } });
    expect(stderr).toMatch(/^kimera: there is no file or folder \/[^\n]*nowhere[^\n]*; hint: check the path[^\n]*\n$/);
  });
});

describe('an error', () => {
  it('shows its stack to whoever debugs', async () => {
    const words = ['models', 'inspect', join(root, 'fixtures/hostile-checkpoints/safetensors/overlap.safetensors')];
    expect((await kimera(words, scratch)).stderr).not.toContain('    at ');
    const { code, stderr } = await kimera(words, scratch, '', { environment: { KIMERA_DEBUG: '1' } });
    expect(code).toBe(2);
    expect(stderr).toMatch(/\n {4}at [^\n]+\nkimera: [^\n]+\n$/);
  });
});

describe('the priority of a worker', () => {
  it.each([
    [[], 1],
    [['--priority', 'normal'], 0],
  ])('is lowered unless it is told otherwise: %j', async (words, times) => {
    let lowered = 0;
    const command = ['migrate', 'work', '--collection', 'docs', '--database', './none', ...words];
    const { code } = await kimera(command, scratch, '', { lowerPriority: () => (lowered += 1) });
    expect([code, lowered]).toEqual([1, times]);
  });
});

describe('colours', () => {
  it.each([
    [true, {}, true],
    [true, { NO_COLOR: '' }, true],
    [true, { NO_COLOR: '1' }, false],
    [true, { TERM: 'dumb' }, false],
    [false, {}, false],
    [false, { FORCE_COLOR: '1', CI: 'true' }, false],
  ])('terminal %j with %j: %j', (isTTY, environment, shown) => {
    expect(colorsFor({ isTTY }, environment).red('x') !== 'x').toBe(shown);
  });
});

/** What only a process has; everything else runs in process, by the function that the process calls. */
describe('the process', () => {
  it('answers --help and --version as the same command lines in process', async () => {
    for (const words of [['--help'], ['--version']])
      expect(await kimeraProcess(words, scratch)).toEqual(await kimera(words, scratch));
  });

  it('ends with the code of the command line, with its message on stderr and its document on stdout', async () => {
    const words = ['models', 'verify', '--json'];
    const run = await kimeraProcess(words, scratch);
    expect(run.code).toBe(64);
    expect(run).toEqual(await kimera(words, scratch));
  });

  it('runs through a link, from a folder with a tsconfig.json that nobody can read, and colours no pipe', async () => {
    await writeFile(join(scratch, 'tsconfig.json'), '{ broken');
    await symlink(join(root, 'tools/kimera/bin/kimera.mjs'), join(scratch, 'kimera'));
    const environment = { FORCE_COLOR: '1', CI: 'true' };
    const input = `{"text":"${'long '.repeat(2000)}"}\n`;
    const { code, stdout } = await kimeraProcess(['tokenize'], scratch, { input, file: join(scratch, 'kimera') });
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ truncated: true, totalTokens: 2002 });
    const list = await kimeraProcess(['models', 'list'], scratch, { environment });
    expect(list.stdout).toContain('all-MiniLM-L6-v2');
    expect(list.stdout).not.toContain('\u001b');
  });
});
