import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

/** What still runs at the end has so long for its own end. */
const PATIENCE_MILLISECONDS = 15_000;

export interface Run {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * What a shell of a person has: nothing of npm's, Nx's or Jest's settings, and no programs of the repository on the
 * path.
 */
export function cleanEnvironment(): Record<string, string> {
  const kept = Object.entries(process.env).filter(([name]) =>
    /^(HOME|USER|LANG|TMPDIR|npm_config_cache|https?_proxy|no_proxy|SSL_CERT_FILE|NODE_EXTRA_CA_CERTS)$/i.test(name),
  );
  const path = (process.env['PATH'] ?? '').split(delimiter).filter((folder) => !folder.includes('node_modules'));
  return Object.fromEntries([
    ...kept.map(([name, value]) => [name, value ?? '']),
    ['PATH', path.join(delimiter)],
    // Nx would leave a process behind in the clone.
    ['NX_DAEMON', 'false'],
  ]) as Record<string, string>;
}

/** A shell whose folder and exported variables go on from one script to the next, as in a terminal. */
export class Shell {
  readonly #state = mkdtempSync(join(tmpdir(), 'kimera-docs-shell-'));
  readonly #background: ChildProcess[] = [];

  constructor(
    folder: string,
    private readonly environment: Readonly<Record<string, string>>,
  ) {
    writeFileSync(this.#path('before'), `cd ${quote(folder)}\n`);
  }

  /** Runs a script to its end. The first command that fails ends it. */
  async run(script: string, timeoutMilliseconds: number): Promise<Run> {
    const child = this.#start(script);
    const run = collect(child);
    const timer = setTimeout(() => signalGroup(child, 'SIGKILL'), timeoutMilliseconds);
    try {
      return await run;
    } finally {
      clearTimeout(timer);
      // A command that ends with "&".
      if (groupLives(child)) this.#background.push(child);
    }
  }

  /** Starts a script that goes on, a server, and comes back when the address answers. */
  async start(script: string, address: string, timeoutMilliseconds: number): Promise<Run> {
    if (await answers(address)) throw new Error(`something else answers at ${address}: stop it first`);
    const child = this.#start(script);
    this.#background.push(child);
    let ended: Run | undefined;
    void collect(child).then((run) => void (ended = run));
    const end = Date.now() + timeoutMilliseconds;
    while (Date.now() < end) {
      if (ended !== undefined) return ended;
      if (await answers(address)) return { code: 0, stdout: '', stderr: '' };
      await delay(100);
    }
    return { code: null, stdout: '', stderr: `nothing answered at ${address}` };
  }

  /** Ends what still runs. */
  async close(): Promise<void> {
    for (const child of this.#background) {
      signalGroup(child, 'SIGTERM');
      const late = Date.now() + PATIENCE_MILLISECONDS;
      while (groupLives(child) && Date.now() < late) await delay(50);
      signalGroup(child, 'SIGKILL');
    }
    rmSync(this.#state, { recursive: true, force: true });
  }

  #start(script: string): ChildProcess {
    const before = this.#path('before');
    const code = [
      '#!/usr/bin/env bash',
      `. ${quote(before)}`,
      `trap '{ export -p; echo "cd $(printf %q "$PWD")"; } > ${before}' EXIT`,
      'set -e',
      script,
      '',
    ].join('\n');
    writeFileSync(this.#path('script'), code);
    if (!existsSync(before)) throw new Error(`${before} is gone`);
    return spawn('bash', [this.#path('script')], {
      env: this.environment,
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
  }

  #path(name: string): string {
    return join(this.#state, name);
  }

  /** Where the next script starts. */
  get folder(): string {
    const [, folder = ''] = /^cd (.*)$/m.exec(readFileSync(this.#path('before'), 'utf8')) ?? [];
    return folder.replace(/^'(.*)'$/, '$1').replaceAll('\\', '');
  }
}

function collect(child: ChildProcess): Promise<Run> {
  let stdout = '';
  let stderr = '';
  child.stdout?.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, stdout, stderr }));
  });
}

/** To the shell and everything that it started. @returns false where none of it is there. */
function signalGroup(child: ChildProcess, signal: NodeJS.Signals | 0): boolean {
  if (child.pid === undefined) return false;
  try {
    return process.kill(-child.pid, signal);
  } catch (error) {
    if (!(error instanceof Error) || !('code' in error) || error.code !== 'ESRCH') throw error;
    return false;
  }
}

function groupLives(child: ChildProcess): boolean {
  return signalGroup(child, 0);
}

async function answers(address: string): Promise<boolean> {
  return fetch(address).then(
    (response) => response.ok,
    () => false,
  );
}

function quote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
