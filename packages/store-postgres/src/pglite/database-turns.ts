import { finalStatus, simpleQuery, type TransactionStatus } from './frames.js';

/** Runs messages in the one session of the database and gives its answer. */
export type Execute = (messages: Buffer) => Promise<Buffer>;

interface Turn {
  readonly client: symbol;
  readonly messages: Buffer;
  readonly resolve: (answer: Buffer) => void;
  readonly reject: (error: Error) => void;
}

/** An answer that does not end with the database ready for the next query. */
export class NotReadyError extends Error {}

/**
 * One session for many clients: one group of messages at a time, first come first served, and a client whose transaction is open has the
 * session to itself until it ends. `onHold` is told who holds it, and undefined where nobody does.
 */
export class DatabaseTurns {
  #waiting: Turn[] = [];
  #holder: symbol | undefined;
  #running = false;

  constructor(private readonly execute: Execute, private readonly onHold: (client: symbol | undefined) => void) {}

  /** @throws NotReadyError, what `execute` throws. */
  run(client: symbol, messages: Buffer): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ client, messages, resolve, reject });
      void this.#next();
    });
  }

  /** The client is gone: what it still waits for is dropped, and its open transaction is rolled back. */
  async leave(client: symbol): Promise<void> {
    this.#waiting = this.#waiting.filter((turn) => turn.client !== client);
    await this.run(client, simpleQuery('ROLLBACK')).catch(() => undefined);
  }

  async #next(): Promise<void> {
    if (this.#running) return;
    const index = this.#holder === undefined ? 0 : this.#waiting.findIndex(({ client }) => client === this.#holder);
    const [turn] = index < 0 ? [] : this.#waiting.splice(index, 1);
    if (turn === undefined) return;
    this.#running = true;
    try {
      const answer = await this.execute(turn.messages);
      const status = finalStatus(answer);
      this.#hold(turn.client, status);
      if (status === undefined) turn.reject(new NotReadyError('the database did not finish its answer'));
      else turn.resolve(answer);
    } catch (error) {
      turn.reject(error instanceof Error ? error : new Error(String(error)));
    } finally {
      this.#running = false;
    }
    void this.#next();
  }

  #hold(client: symbol, status: TransactionStatus | undefined): void {
    this.#holder = status === 'T' || status === 'E' ? client : undefined;
    this.onHold(this.#holder);
  }
}
