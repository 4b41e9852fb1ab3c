import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface, type Interface } from 'node:readline';
import { fileURLToPath } from 'node:url';

/** A process that runs `store-process.fixture.ts` and says each thing on a line. */
export class StoreProcess {
  readonly #lines: string[] = [];
  readonly #reader: Interface;
  #wake: () => void = () => undefined;
  #ended = false;

  private constructor(
    private readonly child: ChildProcess,
    output: NodeJS.ReadableStream,
  ) {
    this.#reader = createInterface({ input: output });
    this.#reader.on('line', (line) => {
      this.#lines.push(line);
      this.#wake();
    });
    this.#reader.on('close', () => {
      this.#ended = true;
      this.#wake();
    });
  }

  static start(action: string, ...values: readonly string[]): StoreProcess {
    const module = fileURLToPath(new URL('../dist/store-process.fixture.js', import.meta.url));
    // It lives too shortly for optimised code of PGlite, which takes seconds to make.
    const program = ['--liftoff-only', module];
    const child = spawn(process.execPath, [...program, action, ...values], { stdio: ['pipe', 'pipe', 'inherit'] });
    return new StoreProcess(child, child.stdout);
  }

  get pid(): number {
    return this.child.pid ?? 0;
  }
  get lines(): readonly string[] {
    return this.#lines;
  }

  /** The lines once there are so many, or the process has ended. */
  async saying(count: number): Promise<readonly string[]> {
    while (this.#lines.length < count && !this.#ended) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    return this.#lines;
  }

  /** SIGKILL, and all that it said before. */
  async kill(): Promise<readonly string[]> {
    return this.#end(() => this.child.kill('SIGKILL'));
  }

  /** Asks it to end by itself. */
  async stop(): Promise<readonly string[]> {
    return this.#end(() => this.child.stdin?.end());
  }

  async #end(ask: () => void): Promise<readonly string[]> {
    const exit = this.child.exitCode !== null || this.child.signalCode !== null ? undefined : once(this.child, 'exit');
    ask();
    await exit;
    while (!this.#ended) await this.saying(Infinity);
    return this.#lines;
  }
}
