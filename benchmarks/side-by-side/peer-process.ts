import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { decodeVector } from '@kimera/model-folder';
import { z } from 'zod';

/** How a library is started: its first line on stdout says that it is ready, then it answers line by line. */
export interface PeerCommand {
  readonly program: string;
  readonly words: readonly string[];
  /** Seconds that it may take to start, and for each answer; default 180. */
  readonly patienceSeconds?: number;
}

const readySchema = z.object({ ready: z.literal(true), versions: z.record(z.string(), z.string()) });
const bulkSchema = z.object({ seconds: z.number(), vectors: z.array(z.string()).optional() });
const aloneSchema = z.object({ milliseconds: z.array(z.number()) });

/** Nothing is fetched, and nothing reported, by any library. */
export const OFFLINE: Readonly<Record<string, string>> = {
  HF_HUB_OFFLINE: '1',
  HF_HUB_DISABLE_TELEMETRY: '1',
  DO_NOT_TRACK: '1',
  INFINITY_ANONYMOUS_USAGE_STATS: '0',
};

/** Why a system cannot be measured here: it stands in the table. */
export class MissingSystemError extends Error {}

/** A library in a process of its own. */
export class PeerProcess {
  readonly pid: number;
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #lines: AsyncIterator<string>;
  readonly #errors: () => string;
  readonly #patienceSeconds: number;

  private constructor(child: ChildProcessWithoutNullStreams, patienceSeconds: number) {
    this.#child = child;
    this.#patienceSeconds = patienceSeconds;
    this.pid = child.pid ?? 0;
    this.#lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    this.#errors = lastLines(child.stderr);
    // A write to one that has ended: the answer that does not come says it.
    child.stdin.on('error', () => undefined);
  }

  /** @throws MissingSystemError where it does not start. */
  static async open({ program, words, patienceSeconds = 180 }: PeerCommand): Promise<{
    readonly peer: PeerProcess;
    readonly versions: Readonly<Record<string, string>>;
    readonly loadSeconds: number;
  }> {
    const started = performance.now();
    const child = spawn(program, words, { env: { ...process.env, ...OFFLINE }, stdio: ['pipe', 'pipe', 'pipe'] });
    child.on('error', () => undefined);
    const peer = new PeerProcess(child, patienceSeconds);
    try {
      const { versions } = readySchema.parse(await peer.#next());
      return { peer, versions, loadSeconds: (performance.now() - started) / 1000 };
    } catch (error) {
      await peer.close();
      throw error;
    }
  }

  /** Seconds of one call with all texts; `vectors` as float32 where they are wanted. */
  async bulk(
    texts: readonly string[],
    { vectors = false } = {},
  ): Promise<{ readonly seconds: number; readonly vectors: readonly Float32Array[] }> {
    const answer = bulkSchema.parse(await this.#ask({ texts, vectors }));
    return { seconds: answer.seconds, vectors: (answer.vectors ?? []).map(decodeVector) };
  }

  /** Milliseconds of each text in a call of its own. */
  async alone(texts: readonly string[]): Promise<readonly number[]> {
    return aloneSchema.parse(await this.#ask({ texts, alone: true })).milliseconds;
  }

  /** Lets it end by itself, which it does where nothing more comes. */
  async close(): Promise<void> {
    if (this.#child.pid === undefined || this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const ended = once(this.#child, 'exit');
    this.#child.stdin.end();
    const patience = setTimeout(() => this.#child.kill('SIGKILL'), 10_000);
    await ended;
    clearTimeout(patience);
  }

  #ask(request: unknown): Promise<unknown> {
    this.#child.stdin.write(`${JSON.stringify(request)}\n`);
    return this.#next();
  }

  /** @throws MissingSystemError with the end of stderr where the process has ended or takes too long. */
  async #next(): Promise<unknown> {
    const late: string[] = [];
    const patience = setTimeout(() => {
      late.push(`no answer within ${this.#patienceSeconds} s`);
      this.#child.kill('SIGKILL');
    }, 1_000 * this.#patienceSeconds);
    try {
      for (;;) {
        const line = await this.#lines.next();
        if (line.done === true) break;
        const message = parsed(line.value);
        if (message !== undefined) return message;
      }
    } finally {
      clearTimeout(patience);
    }
    const [reason = this.#errors()] = late;
    throw new MissingSystemError(reason === '' ? 'it ended without a word' : reason);
  }
}

/** Undefined of a line that the library printed for people. */
function parsed(line: string): unknown {
  if (!line.startsWith('{')) return undefined;
  try {
    return JSON.parse(line) as unknown;
  } catch {
    return undefined;
  }
}

/** The end of what is written to a stream, on one line. */
export function lastLines(stream: NodeJS.ReadableStream): () => string {
  let text = '';
  stream.on('data', (chunk: Buffer) => (text = `${text}${chunk.toString()}`.slice(-4_000)));
  return () => text.trim().split('\n').slice(-2).join(' ').slice(-400);
}
