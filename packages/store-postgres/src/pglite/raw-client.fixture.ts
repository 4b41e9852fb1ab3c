import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { FrameReader } from './frame-reader.js';
import { cStrings, frame, int32, PROTOCOL_3, type Frame } from './frames.js';

/** A client that sends what it is told to, byte by byte if need be. */
export class RawClient {
  readonly #reader = new FrameReader();
  readonly #frames: Frame[] = [];
  #wake: () => void = () => undefined;

  private constructor(readonly socket: Socket) {
    this.#reader.trust();
    socket.on('error', () => undefined);
    socket.on('close', () => this.#wake());
    socket.on('data', (chunk: Buffer) => {
      this.#reader.push(chunk);
      for (let next = this.#reader.next(); next !== undefined; next = this.#reader.next()) this.#frames.push(next);
      this.#wake();
    });
  }

  static async connect(port: number): Promise<RawClient> {
    const socket = connect(port, '127.0.0.1');
    await once(socket, 'connect');
    return new RawClient(socket);
  }

  static async login(port: number, password: string): Promise<RawClient> {
    const client = await RawClient.connect(port);
    client.send(greeting(PROTOCOL_3, cStrings('user', 'someone', '')));
    await client.until('R');
    client.send(frame('p', cStrings(password)));
    await client.until('Z');
    return client;
  }

  send(bytes: Buffer): void {
    this.socket.write(bytes);
  }

  /** Messages up to one of this type; all that came where the connection ends before. */
  async until(type: string): Promise<readonly Frame[]> {
    for (;;) {
      const index = this.#frames.findIndex((next) => next.type === type);
      if (index >= 0) return this.#frames.splice(0, index + 1);
      if (this.socket.destroyed) return this.#frames.splice(0);
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  /** The fields of the next error, by their letter. */
  async error(): Promise<Readonly<Record<string, string>>> {
    const last = (await this.until('E')).at(-1);
    const fields = last?.type === 'E' ? last.body.toString('utf8').split('\0') : [];
    return Object.fromEntries(
      fields.filter((field) => field !== '').map((field) => [field.slice(0, 1), field.slice(1)]),
    );
  }

  end(): void {
    this.socket.destroy();
  }
}

export function greeting(code: number, body: Buffer): Buffer {
  return Buffer.concat([int32(8 + body.length), int32(code), body]);
}

/** Parse, Bind, Describe, Execute and Sync of a statement without values. */
export function extendedQuery(sql: string, statement = ''): readonly Buffer[] {
  const none = Buffer.alloc(2);
  return [
    frame('P', Buffer.concat([cStrings(statement, sql), none])),
    frame('B', Buffer.concat([cStrings('', statement), none, none, none])),
    frame('D', Buffer.concat([Buffer.from('P'), cStrings('')])),
    frame('E', Buffer.concat([cStrings(''), int32(0)])),
    frame('S', Buffer.alloc(0)),
  ];
}
