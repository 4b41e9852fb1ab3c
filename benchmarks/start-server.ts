import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { root } from './machine.js';

/** The server in a process of its own, on a free port. */
export interface ServerProcess {
  readonly url: string;
  readonly pid: number;
  /** Sends a signal. */
  signal(name: NodeJS.Signals): void;
  /** The exit code, or the signal that ended it. */
  readonly ended: Promise<number | string>;
  /** Ends it where it still runs. */
  stop(): Promise<void>;
}

/** @param program the server's own, or `kimera serve`. @throws where it ends before it listens, with its log. */
export async function startServerProcess(
  environment: Readonly<Record<string, string>> = {},
  program: readonly string[] = [join(root, 'apps/api/dist/main.js')],
): Promise<ServerProcess> {
  const child = spawn(process.execPath, program, {
    cwd: root,
    env: { ...process.env, PORT: '0', KIMERA_API_KEYS: '', ...environment },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = once(child, 'exit').then(([code, signal]) => (code ?? signal) as number | string);
  const url = await new Promise<string>((resolve, reject) => {
    let log = '';
    void ended.then((how) => reject(new Error(`the server ended with ${how}: ${log}`)));
    child.stdout.on('data', (chunk: Buffer) => {
      if (log.length > 1 << 20) return;
      log += chunk.toString();
      const found = /listening on (http:\/\/[^"]+)/.exec(log)?.[1];
      if (found !== undefined) resolve(found);
    });
  });
  return {
    url,
    pid: child.pid ?? 0,
    ended,
    signal: (name) => child.kill(name),
    stop: async () => {
      child.kill('SIGTERM');
      await ended;
    },
  };
}

/** The value of a metric by its name; of one with labels, such as `model`, the sum. @throws where there is none. */
export async function metricsOf(url: string): Promise<(name: string) => number> {
  const text = await (await fetch(`${url}/metrics`)).text();
  return (name) => {
    const values = [...text.matchAll(new RegExp(`^${name}(?:\\{[^}]*\\})? (\\S+)$`, 'gm'))].map(([, value]) =>
      Number(value),
    );
    if (values.length === 0) throw new Error(`no metric ${name}`);
    return values.reduce((sum, value) => sum + value, 0);
  };
}
