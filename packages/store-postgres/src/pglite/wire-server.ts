import { createServer, type AddressInfo, type Server } from 'node:net';
import { DatabaseTurns, type Execute } from './database-turns.js';
import { WireSession } from './wire-session.js';

export interface WireServerParts {
  readonly execute: Execute;
  readonly password: string;
  readonly parameters: Readonly<Record<string, string>>;
  /** Default {@link IDLE_MILLISECONDS}. */
  readonly idleMilliseconds?: number;
}

/**
 * A client that holds the session with an open transaction and sends nothing for this long is sent away, so that the
 * others can go on.
 */
const IDLE_MILLISECONDS = 120_000;
const MAX_CLIENTS = 200;

/** Serves one database session to many clients over PostgreSQL's protocol, on this machine alone. */
export class WireServer {
  readonly #server: Server;
  readonly #sessions = new Map<symbol, WireSession>();
  readonly #turns: DatabaseTurns;
  readonly #idleMilliseconds: number;
  #idle: NodeJS.Timeout | undefined;

  private constructor({ execute, password, parameters, idleMilliseconds = IDLE_MILLISECONDS }: WireServerParts) {
    this.#idleMilliseconds = idleMilliseconds;
    this.#turns = new DatabaseTurns(execute, (client) => this.#held(client));
    this.#server = createServer((socket) => {
      const session = new WireSession({ socket, turns: this.#turns, password, parameters });
      this.#sessions.set(session.client, session);
      socket.on('close', () => this.#sessions.delete(session.client));
    });
    this.#server.maxConnections = MAX_CLIENTS;
  }

  /** `port` 0 takes a free one. */
  static async listen(parts: WireServerParts, port: number): Promise<WireServer> {
    const created = new WireServer(parts);
    await new Promise<void>((resolve, reject) => {
      created.#server.once('error', reject);
      created.#server.listen(port, '127.0.0.1', resolve);
    });
    return created;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Sends all clients away; open transactions are rolled back. */
  async close(): Promise<void> {
    clearTimeout(this.#idle);
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    const gone = [...this.#sessions.values()].map((session) => {
      session.end('57P01', 'the embedded database is closing');
      return this.#turns.leave(session.client);
    });
    await Promise.all([closed, ...gone]);
  }

  #held(client: symbol | undefined): void {
    clearTimeout(this.#idle);
    if (client === undefined) return;
    this.#idle = setTimeout(() => {
      this.#sessions
        .get(client)
        ?.end(
          '25P03',
          `a transaction was idle for ${this.#idleMilliseconds / 1000} s while the embedded database has one session for all`,
        );
    }, this.#idleMilliseconds);
  }
}
