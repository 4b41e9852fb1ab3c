import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';

/** A tool chain, the clients that it runs, and where they are. */
export interface Language {
  readonly name: 'python' | 'go' | 'java';
  /** Program and words that end with 0 where the tool chain is at hand. */
  readonly probe: readonly [string, ...string[]];
  /** Installs what the clients need into `scratch`. @returns the command that runs them, but for the contract's file. */
  readonly prepare: (clients: string, scratch: string) => Promise<Command>;
}

export interface Command {
  readonly words: readonly [string, ...string[]];
  readonly folder: string;
  readonly environment?: Readonly<Record<string, string>>;
  /** The contract's file goes into this word in place of `{}`; after the last word where it is absent. */
  readonly contract?: string;
}

export const LANGUAGES: readonly Language[] = [
  { name: 'python', probe: ['python3', '--version'], prepare: preparePython },
  {
    name: 'go',
    probe: ['go', 'version'],
    prepare: async (clients, scratch) => ({
      words: ['go', 'run', '-mod=mod', '.'],
      folder: clients,
      environment: { GOMODCACHE: join(scratch, 'modules'), GOFLAGS: '-modcacherw', GOWORK: 'off' },
    }),
  },
  {
    name: 'java',
    probe: ['mvn', '--version'],
    prepare: async (clients, scratch) => ({
      words: [
        'mvn',
        '--quiet',
        '--batch-mode',
        '-Dstyle.color=never',
        `-Dmaven.repo.local=${join(scratch, 'repository')}`,
        `-DbuildFolder=${join(scratch, 'target')}`,
        'compile',
        'exec:java',
      ],
      folder: clients,
      contract: '-Dexec.args={}',
    }),
  },
];

async function preparePython(clients: string, scratch: string): Promise<Command> {
  const requirements = readFileSync(join(clients, 'requirements.txt'), 'utf8');
  const folder = join(scratch, createHash('sha256').update(requirements).digest('hex').slice(0, 12));
  const python = join(folder, 'bin/python');
  const done = join(folder, 'installed');
  if (!existsSync(done)) {
    await run({ words: ['python3', '-m', 'venv', folder], folder: clients });
    await run({ words: [python, '-m', 'pip', 'install', '--quiet', '-r', 'requirements.txt'], folder: clients });
    writeFileSync(done, requirements);
  }
  return { words: [python, 'clients.py'], folder: clients };
}

/** What a program wrote to stdout. @throws Error with the end of what it wrote to stderr. */
export async function run({ words, folder, environment = {} }: Command): Promise<string> {
  const [program, ...rest] = words;
  await mkdir(folder, { recursive: true });
  return new Promise((resolve, reject) => {
    const child = spawn(program, rest, { cwd: folder, env: { ...process.env, ...environment }, stdio: 'pipe' });
    child.stdin.end();
    const output = { stdout: '', stderr: '' };
    for (const name of ['stdout', 'stderr'] as const)
      child[name].setEncoding('utf8').on('data', (text: string) => (output[name] += text));
    child.once('error', reject);
    child.once('close', (code) => {
      if (code === 0) resolve(output.stdout);
      else reject(new Error(`${program} ended with ${code}: ${(output.stderr || output.stdout).trim().slice(-2000)}`));
    });
  });
}
