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
 * One session for many clients: one group of messages at a time, first come first served, and a client whose
 * transaction is open has the session to itself until it ends. `onHold` is told who holds it, and undefined where
 * nobody does.
 */
export class DatabaseTurns {
  #waiting: Turn[] = [];
  #holder: symbol | undefined;
  #current: { readonly client: symbol; readonly ended: Promise<void> } | undefined;
  readonly #gone = new Map<symbol, Promise<void>>();

  constructor(
    private readonly execute: Execute,
    private readonly onHold: (client: symbol | undefined) => void,
  ) {}

  /** @throws NotReadyError, what `execute` throws. */
  run(client: symbol, messages: Buffer): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ client, messages, resolve, reject });
      this.#next();
    });
  }

  /** The client is gone: what it still waits for is dropped, and its open transaction is rolled back. Idempotent. */
  leave(client: symbol): Promise<void> {
    const known = this.#gone.get(client);
    if (known !== undefined) return known;
    this.#waiting = this.#waiting.filter((turn) => turn.client !== client);
    const leaving = this.#rollBack(client).finally(() => this.#gone.delete(client));
    this.#gone.set(client, leaving);
    return leaving;
  }

  async #rollBack(client: symbol): Promise<void> {
    // What it sent last may be running, and may be a BEGIN.
    if (this.#current?.client === client) await this.#current.ended;
    if (this.#holder === client) await this.run(client, simpleQuery('ROLLBACK')).catch(() => undefined);
  }

  #next(): void {
    if (this.#current !== undefined) return;
    const index = this.#holder === undefined ? 0 : this.#waiting.findIndex(({ client }) => client === this.#holder);
    const [turn] = index < 0 ? [] : this.#waiting.splice(index, 1);
    if (turn === undefined) return;
    const ended = this.#take(turn).finally(() => {
      this.#current = undefined;
      this.#next();
    });
    this.#current = { client: turn.client, ended };
  }

  async #take({ client, messages, resolve, reject }: Turn): Promise<void> {
    try {
      const answer = await this.execute(messages);
      const status = finalStatus(answer);
      this.#hold(client, status);
      if (status === undefined) reject(new NotReadyError('the database did not finish its answer'));
      else resolve(answer);
    } catch (error) {
      this.#hold(client, undefined);
      reject(error instanceof Error ? error : new Error(String(error)));
    }
  }

  #hold(client: symbol, status: TransactionStatus | undefined): void {
    this.#holder = status === 'T' || status === 'E' ? client : undefined;
    this.onHold(this.#holder);
  }
}
