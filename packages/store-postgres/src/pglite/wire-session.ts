import { createHash, randomInt, timingSafeEqual } from 'node:crypto';
import type { Socket } from 'node:net';
import { reasonOf } from '@kimera/core';
import type { DatabaseTurns } from './database-turns.js';
import { FrameError, FrameReader } from './frame-reader.js';
import {
  authenticationCleartextPassword,
  authenticationOk,
  backendKeyData,
  CANCEL_REQUEST,
  copyFail,
  errorResponse,
  GSS_REQUEST,
  parameterStatus,
  PROTOCOL_3,
  readCStrings,
  readyForQuery,
  SSL_REQUEST,
  type Frame,
} from './frames.js';

export interface WireSessionParts {
  readonly socket: Socket;
  readonly turns: DatabaseTurns;
  readonly password: string;
  /** What is reported as parameters of the session, as `server_version`. */
  readonly parameters: Readonly<Record<string, string>>;
}

/** A client that has not given its password by then is sent away. */
const GREETING_MILLISECONDS = 10_000;

/** Where a message names a prepared statement or a portal; all clients share one session, and with it the names. */
const NAMES: Readonly<Record<string, (body: Buffer) => readonly string[]>> = {
  P: (body) => [cString(body, 0)],
  B: (body) => [cString(body, 0), cString(body, cString(body, 0).length + 1)],
  D: (body) => [cString(body, 1)],
  C: (body) => [cString(body, 1)],
  E: (body) => [cString(body, 0)],
};
const IGNORED = ['d', 'c', 'f'];

/** One client's connection: start-up and password here, then whole groups of messages to the database. */
export class WireSession {
  readonly client = Symbol('client');
  readonly #parts: WireSessionParts;
  readonly #reader = new FrameReader();
  readonly #timer: NodeJS.Timeout;
  #stage: 'startup' | 'password' | 'ready' | 'ended' = 'startup';
  /** Messages since the last Sync; undefined where one of them was refused and the rest is skipped. */
  #group: Buffer[] | undefined = [];

  constructor(parts: WireSessionParts) {
    this.#parts = parts;
    const { socket, turns } = parts;
    this.#timer = setTimeout(() => this.end('08P01', 'no password came in time'), GREETING_MILLISECONDS);
    socket.setNoDelay(true);
    socket.on('error', () => socket.destroy());
    socket.on('close', () => {
      clearTimeout(this.#timer);
      this.#stage = 'ended';
      void turns.leave(this.client);
    });
    socket.on('data', (chunk: Buffer) => this.#receive(chunk));
  }

  /** Says why, and closes the connection. `code`: an SQLSTATE. */
  end(code: string, message: string): void {
    this.#stage = 'ended';
    this.#parts.socket.end(errorResponse('FATAL', code, message));
    this.#parts.socket.destroySoon();
  }

  #receive(chunk: Buffer): void {
    this.#reader.push(chunk);
    try {
      while (this.#stage !== 'ended' && this.#step());
    } catch (error) {
      if (!(error instanceof FrameError)) throw error;
      this.end('08P01', error.message);
    }
  }

  /** False where no message is complete. */
  #step(): boolean {
    if (this.#stage === 'startup') {
      const greeting = this.#reader.greeting();
      if (greeting !== undefined) this.#greet(greeting);
      return greeting !== undefined;
    }
    const next = this.#reader.next();
    if (next === undefined) return false;
    if (this.#stage === 'password') this.#authenticate(next);
    else this.#accept(next);
    return true;
  }

  #greet(body: Buffer): void {
    const { socket } = this.#parts;
    const code = body.length < 4 ? 0 : body.readInt32BE(0);
    if (code === SSL_REQUEST || code === GSS_REQUEST) socket.write('N');
    else if (code === CANCEL_REQUEST) {
      this.#stage = 'ended';
      socket.destroySoon();
    } else if (code !== PROTOCOL_3)
      this.end('08P01', `protocol ${code >>> 16}.${code & 0xffff} is not spoken here, 3.0 is`);
    else {
      this.#stage = 'password';
      socket.write(authenticationCleartextPassword);
    }
  }

  #authenticate({ type, body }: Frame): void {
    const { socket, password, parameters } = this.#parts;
    const [given = ''] = type === 'p' ? readCStrings(body) : [];
    if (!timingSafeEqual(sha256(given), sha256(password))) {
      this.end('28P01', 'wrong password');
      return;
    }
    clearTimeout(this.#timer);
    this.#reader.trust();
    this.#stage = 'ready';
    const status = Object.entries(parameters).map(([name, value]) => parameterStatus(name, value));
    socket.write(
      Buffer.concat([authenticationOk, ...status, backendKeyData(process.pid, randomInt(2 ** 31)), readyForQuery('I')]),
    );
  }

  #accept(next: Frame): void {
    const { type, bytes, body } = next;
    if (type === 'X') {
      this.#stage = 'ended';
      this.#parts.socket.end();
    } else if (type === 'Q') this.#run([bytes, ...copyGuard(body)]);
    else if (type === 'S') {
      const group = this.#group ?? [];
      this.#group = [];
      this.#run([...group, bytes]);
    } else if (type in NAMES) this.#extend(next);
    else if (type === 'H') this.#refuse('Flush is not supported by the embedded database: end with Sync');
    else if (!IGNORED.includes(type)) this.end('08P01', `message type ${JSON.stringify(type)} is not spoken here`);
  }

  #extend({ type, bytes, body }: Frame): void {
    const named = NAMES[type]?.(body).find((name) => name !== '');
    if (named !== undefined)
      this.#refuse(
        `prepared statement or portal ${JSON.stringify(named)}: the embedded database takes unnamed ones only, since its clients share one session`,
      );
    // The guard is read where an Execute has started a COPY, and ignored anywhere else.
    else this.#group?.push(bytes, ...(type === 'E' ? [copyFail] : []));
  }

  #refuse(message: string): void {
    if (this.#group === undefined) return;
    this.#group = undefined;
    this.#parts.socket.write(errorResponse('ERROR', '0A000', message));
  }

  #run(messages: readonly Buffer[]): void {
    const { socket, turns } = this.#parts;
    turns.run(this.client, Buffer.concat(messages)).then(
      (answer) => {
        if (socket.writable) socket.write(answer);
      },
      (error: unknown) => this.end('57P02', `the embedded database failed: ${reasonOf(error)}`),
    );
  }
}

/** COPY FROM STDIN reads further messages while it runs; the embedded database would end where none is there. */
function copyGuard(body: Buffer): readonly Buffer[] {
  return /copy/i.test(body.toString('latin1')) ? [copyFail] : [];
}

function cString(body: Buffer, offset: number): string {
  const end = body.indexOf(0, offset);
  return body.toString('latin1', offset, end < 0 ? body.length : end);
}

function sha256(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
