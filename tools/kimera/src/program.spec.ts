import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { COMMANDS } from './commands/index.js';
import { ended, killKimeras, kimera, root, startKimera } from './run-kimera.fixture.js';

let scratch = '';
beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'kimera-cli-'));
});
afterEach(killKimeras);
afterAll(() => rm(scratch, { recursive: true, force: true }));

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
    expect(await kimera(['--version'], scratch)).toEqual({ code: 0, stdout: '0.1.0\n', stderr: '' });
  });
});

describe('wrong usage: 64, one line and a hint on stderr, nothing on stdout', () => {
  it.each([
    [['modles', 'list'], "unknown command 'modles' (did you mean models?)"],
    [['models', 'lst'], "unknown command 'lst' (did you mean list?)"],
    [['models', 'convert', 'x', '--varint', 'fp16'], "unknown option '--varint' (did you mean --variants?)"],
    [['models', 'convert', 'x', '--variants', 'fp8', '--out', 'y'], 'fp32, fp16, q4'],
    [['models', 'verify'], "missing required argument 'dir'"],
    [['models', 'bench', 'x', '--threads', '0'], 'whole number'],
    [['embed', '--head', 'thick'], 'Heads are dense, sparse, colbert'],
    [['embed', '--role', 'queen'], 'query, document'],
    [['similarity', 'alone'], 'at least 2'],
  ])('%j', async (words, message) => {
    const { code, stdout, stderr } = await kimera(words, scratch);
    expect({ code, stdout }).toEqual({ code: 64, stdout: '' });
    expect(stderr).toMatch(/^kimera: [^\n]+; hint: kimera --help\n$/);
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

describe('the process', () => {
  it('runs through a link, from a folder with a tsconfig.json that nobody can read', async () => {
    await writeFile(join(scratch, 'tsconfig.json'), '{ broken');
    await symlink(join(root, 'tools/kimera/bin/kimera.mjs'), join(scratch, 'kimera'));
    const { code, stdout } = await kimera(['tokenize'], scratch, `{"text":"${'long '.repeat(2000)}"}\n`);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ truncated: true, totalTokens: 2002 });
  });

  it('shows colours where asked for a terminal alone: NO_COLOR and pipes have none', async () => {
    for (const environment of [{ NO_COLOR: '1', FORCE_COLOR: '1' }, { CI: 'true' }, {}]) {
      const child = startKimera(['models', 'list'], scratch, environment);
      child.stdin.end();
      expect((await ended(child)).stdout).not.toContain('\u001b');
    }
  });

  it('shows the stack of an error for whoever debugs', async () => {
    const child = startKimera(['models', 'inspect', 'nowhere'], scratch, { KIMERA_DEBUG: '1' });
    child.stdin.end();
    const { code, stderr } = await ended(child);
    expect(code).toBe(1);
    expect(stderr).toContain('inspect-path.ts');
  });
});
