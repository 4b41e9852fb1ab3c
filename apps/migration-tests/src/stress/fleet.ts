import { killHard, startProcess, type Running } from '../processes.js';
import { KIMERA } from '../stage.js';

/** Processes that embed; one that is killed is replaced. */
export class Fleet {
  readonly #running: Running[] = [];
  #isStopping = false;
  kills = 0;
  /** How processes ended that nobody killed. */
  readonly endedAlone: (number | string)[] = [];

  constructor(
    count: number,
    private readonly words: readonly string[],
  ) {
    for (let i = 0; i < count; i++) this.#start();
  }

  get size(): number {
    return this.#running.length;
  }

  /** SIGKILL for one of them, and another in its place. */
  async killOne(): Promise<void> {
    const place = Math.floor(Math.random() * this.#running.length);
    const [victim] = this.#running.splice(place, 1);
    if (victim === undefined) return;
    this.kills += 1;
    await killHard(victim);
    this.#start();
  }

  /** @throws where a process ended that nobody killed: what waits for it would wait for ever. */
  check(): void {
    if (this.endedAlone.length > 0) throw new Error(`a worker ended with ${this.endedAlone.join(', ')}`);
  }

  async stop(): Promise<void> {
    this.#isStopping = true;
    const all = this.#running.splice(0);
    for (const { child } of all) child.kill('SIGTERM');
    await Promise.all(all.map(({ ended }) => ended));
  }

  #start(): void {
    const running = startProcess(KIMERA, [
      'migrate',
      'work',
      '--forever',
      '--threads',
      '1',
      '--priority',
      'normal',
      ...this.words,
    ]);
    this.#running.push(running);
    void running.ended.then((how) => {
      const place = this.#running.indexOf(running);
      if (place === -1 || this.#isStopping) return;
      this.#running.splice(place, 1);
      this.endedAlone.push(how);
    });
  }
}
