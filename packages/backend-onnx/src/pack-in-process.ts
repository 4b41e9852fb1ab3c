import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import type { WorkerData } from './graph-options.js';

/** What the process is sent. */
export interface PackTask {
  readonly data: WorkerData;
  /** Empty; it writes here, */
  readonly folder: string;
  /** and gives it this name when it is whole. */
  readonly entry: string;
}

const answerSchema = z.union([
  z.object({ done: z.literal(true) }),
  z.object({ failed: z.string(), unfit: z.boolean() }),
]);
export type PackAnswer = z.infer<typeof answerSchema>;

/** What ends a process from outside. */
const STOPPED: readonly NodeJS.Signals[] = ['SIGINT', 'SIGTERM', 'SIGHUP'];

/**
 * In a process of its own: a graph that ends its process when it runs packed must not end this one, and what it takes
 * of memory is given back. @returns why the graph cannot be packed; undefined where it was. @throws Error for what may
 * go well another time.
 */
export async function packInProcess(task: PackTask, signal: AbortSignal): Promise<string | undefined> {
  const child = fork(fileURLToPath(new URL('../dist/pack-weights.js', import.meta.url)), [task.folder], {
    serialization: 'advanced',
    execArgv: [],
    env: { ...process.env, ORT_DISABLE_TELEMETRY: '1' },
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
  });
  const stop = (): void => void child.kill('SIGKILL');
  signal.addEventListener('abort', stop);
  try {
    const answer = new Promise<PackAnswer | undefined>((resolve) => {
      child.once('message', (message) => resolve(answerSchema.safeParse(message).data));
      child.once('error', ({ message }) => resolve({ failed: message, unfit: false }));
      child.once('exit', (code, ended) =>
        resolve({
          failed: `the process that packs ended by ${ended ?? String(code)}`,
          unfit: ended !== null && !STOPPED.includes(ended),
        }),
      );
    });
    const ended = new Promise<void>((resolve) => {
      child.once('exit', () => resolve());
      child.once('error', () => resolve());
    });
    child.send(task);
    // It does not keep this process alive.
    child.unref();
    child.channel?.unref();
    const told = await answer;
    await ended;
    signal.throwIfAborted();
    if (told === undefined || 'done' in told) return undefined;
    if (told.unfit) return told.failed;
    throw new Error(told.failed);
  } finally {
    signal.removeEventListener('abort', stop);
  }
}
