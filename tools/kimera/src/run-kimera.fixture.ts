import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = join(fileURLToPath(import.meta.url), '../../../..');
export const minilm = join(root, 'models/all-MiniLM-L6-v2');
export const tinyCheckpoint = join(root, 'fixtures/checkpoints/bert-tiny-mean');

export interface Run {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

const children = new Set<ChildProcessWithoutNullStreams>();

/** Ends what a failed test left running. */
export function killKimeras(): void {
  for (const child of children) child.kill('SIGKILL');
}

/**
 * The process of one command line, its folder and environment as given; nothing of the caller's settings reaches it.
 */
export function startKimera(
  words: readonly string[],
  folder: string,
  environment: Readonly<Record<string, string>> = {},
): ChildProcessWithoutNullStreams {
  const child = spawn(process.execPath, [join(root, 'tools/kimera/bin/kimera.mjs'), ...words], {
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

/** Runs a command line to its end. */
export function kimera(words: readonly string[], folder: string, input: string | Buffer = ''): Promise<Run> {
  const child = startKimera(words, folder);
  const run = ended(child);
  child.stdin.end(input);
  return run;
}
