import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { join } from 'node:path';
import { Readable, Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { createColors } from 'picocolors';
import type { CommandContext } from './console/command-context.js';
import { Output } from './console/output.js';
import { runCommandLine } from './program.js';

export const root = join(fileURLToPath(import.meta.url), '../../../..');
export const minilm = join(root, 'models/all-MiniLM-L6-v2');
export const tinyCheckpoint = join(root, 'fixtures/checkpoints/bert-tiny-mean');

export interface Run {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** What may differ between command lines that run in process. */
export interface RunSettings {
  readonly environment?: Readonly<Record<string, string>>;
  /** What Ctrl-C and SIGTERM abort. */
  readonly stop?: AbortSignal;
  readonly lowerPriority?: () => void;
  /** Gets what is written to stderr, which is a terminal then: progress is shown. */
  readonly onProgress?: (text: string) => void;
}

/** What a pipe hands over at once on Linux (pipe(7)). */
const PIPE_BYTES = 65_536;

/**
 * Runs a command line to its end in this process: what `bin/kimera.mjs` does, with streams in memory. Nothing of the
 * caller's settings reaches it.
 */
export async function kimera(
  words: readonly string[],
  folder: string,
  input: string | Buffer = '',
  {
    environment = {},
    stop = new AbortController().signal,
    lowerPriority = () => undefined,
    onProgress,
  }: RunSettings = {},
): Promise<Run> {
  const [stdout, stderr] = [new Collected(), new Collected(onProgress)];
  const code = await runCommandLine(
    {
      stdin: Readable.from(chunks(Buffer.from(input)), { objectMode: false }),
      stdout: new Output(stdout),
      stderr: Object.assign(stderr, { isTTY: onProgress !== undefined }),
      colors: createColors(false),
      environment,
      folder,
      stop,
      lowerPriority,
    },
    words,
  );
  return { code, stdout: stdout.text, stderr: stderr.text };
}

/** For what only looks at commands, and runs none. */
export function commandContext(folder: string): CommandContext {
  return {
    stdin: Readable.from([]),
    stdout: new Output(new Collected()),
    stderr: new Collected(),
    colors: createColors(false),
    environment: {},
    folder,
    stop: new AbortController().signal,
    lowerPriority: () => undefined,
    note: () => undefined,
    finish: () => undefined,
  };
}

function* chunks(input: Buffer): Generator<Buffer> {
  for (let at = 0; at < input.length; at += PIPE_BYTES) yield input.subarray(at, at + PIPE_BYTES);
}

/** Keeps what is written to it. */
class Collected extends Writable {
  readonly #parts: Buffer[] = [];

  constructor(private readonly onText: (text: string) => void = () => undefined) {
    super();
  }

  get text(): string {
    return Buffer.concat(this.#parts).toString('utf8');
  }

  override _write(part: Buffer, _encoding: string, done: () => void): void {
    this.#parts.push(part);
    this.onText(part.toString('utf8'));
    done();
  }
}

const children = new Set<ChildProcessWithoutNullStreams>();

/** Ends what a failed test left running. */
export function killKimeras(): void {
  for (const child of children) child.kill('SIGKILL');
}

/**
 * The process of one command line, its folder and environment as given; nothing of the caller's settings reaches it.
 * For what only a process has: signals, pipes, exit codes, start-up. All else runs by {@link kimera}. @param file the
 * tool's own, or a link to it.
 */
export function startKimera(
  words: readonly string[],
  folder: string,
  environment: Readonly<Record<string, string>> = {},
  file = join(root, 'tools/kimera/bin/kimera.mjs'),
): ChildProcessWithoutNullStreams {
  const child = spawn(process.execPath, [file, ...words], {
    cwd: folder,
    env: { PATH: process.env['PATH'], HOME: process.env['HOME'], ...environment },
  });
  children.add(child);
  child.on('exit', () => children.delete(child));
  return child;
}

export function ended(child: ChildProcessWithoutNullStreams): Promise<Run> {
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  // A process that ends early closes its stdin under the writer.
  child.stdin.on('error', () => undefined);
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, stdout, stderr }));
  });
}

/** Runs a command line to its end in a process of its own. @param file the tool's own, or a link to it. */
export function kimeraProcess(
  words: readonly string[],
  folder: string,
  {
    input = '',
    environment,
    file,
  }: {
    readonly input?: string;
    readonly environment?: Readonly<Record<string, string>>;
    readonly file?: string;
  } = {},
): Promise<Run> {
  const child = startKimera(words, folder, environment, file);
  const run = ended(child);
  child.stdin.end(input);
  return run;
}
