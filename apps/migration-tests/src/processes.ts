import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';

export interface Running {
  readonly child: ChildProcess;
  /** What it has printed on stdout so far. */
  readonly output: () => string;
  /** Its exit code, or the signal that ended it. */
  readonly ended: Promise<number | string>;
}

const running = new Set<ChildProcess>();
// No process outlives this one.
process.on('exit', () => running.forEach((child) => child.kill('SIGKILL')));

/** In full precision: its vectors are compared with others more closely than 8 bits are. */
export function startProcess(
  script: string,
  words: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): Running {
  const child = spawn(process.execPath, [script, ...words], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, KIMERA_VARIANT: 'full', ...environment },
  });
  running.add(child);
  let text = '';
  child.stdout.on('data', (chunk: Buffer) => (text += chunk.toString()));
  const ended = once(child, 'close').then(() => {
    running.delete(child);
    return child.exitCode ?? child.signalCode ?? 'ended';
  });
  return { child, output: () => text, ended };
}

/** @throws where the process does not end with 0. */
export async function runProcess(
  script: string,
  words: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): Promise<{ readonly output: string }> {
  const { ended, output } = startProcess(script, words, environment);
  const code = await ended;
  if (code !== 0) throw new Error(`${script} ended with ${code}`);
  return { output: output() };
}

/** Ends it as the system does when memory runs out: nothing of its own runs any more. */
export async function killHard({ child, ended }: Running): Promise<void> {
  child.kill('SIGKILL');
  await ended;
}

/** Waits until the condition holds. @throws after `seconds`, or when `process` ends first. */
export async function until(
  what: string,
  seconds: number,
  condition: () => Promise<boolean>,
  process?: Running,
): Promise<void> {
  const deadline = performance.now() + seconds * 1000;
  let over: number | string | undefined;
  void process?.ended.then((code) => (over = code));
  while (!(await condition())) {
    if (over !== undefined) throw new Error(`the process ended with ${over} before ${what}`);
    if (performance.now() > deadline) throw new Error(`${what}: not within ${seconds} s`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
