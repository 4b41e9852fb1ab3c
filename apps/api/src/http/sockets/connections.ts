import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/** How often connections are looked at. */
const LOOK_MILLISECONDS = 250;

export interface ConnectionsOptions {
  /** That a client may take nothing of its answer; default: as long as it likes. */
  readonly writeMilliseconds?: number;
  /** A client was cut off for it. */
  readonly onCutOff?: (request: IncomingMessage) => void;
}

/** The open connections of an HTTP server. */
export class Connections {
  /** Since when a connection has no request, milliseconds; undefined while it has one. */
  readonly #sockets = new Map<Socket, number | undefined>();
  readonly #requests = new Map<ServerResponse, IncomingMessage>();
  #isClosing = false;
  #accepted = 0;

  constructor(server: Server, { writeMilliseconds, onCutOff = () => undefined }: ConnectionsOptions = {}) {
    server.on('connection', (socket) => {
      this.#accepted += 1;
      this.#sockets.set(socket, performance.now());
      socket.once('close', () => this.#sockets.delete(socket));
    });
    // Before the application, which may answer at once.
    server.prependListener('request', (request, response) => {
      const { socket } = request;
      this.#requests.set(response, request);
      this.#sockets.set(socket, undefined);
      if (this.#isClosing) closeAfter(response);
      response.once('close', () => {
        this.#requests.delete(response);
        if (this.#sockets.has(socket)) this.#sockets.set(socket, performance.now());
      });
    });
    if (writeMilliseconds === undefined) return;
    const look = setInterval(() => this.#watchReaders(writeMilliseconds, onCutOff), LOOK_MILLISECONDS).unref();
    server.once('close', () => clearInterval(look));
  }

  get count(): number {
    return this.#sockets.size;
  }

  /** Since the server began. */
  get accepted(): number {
    return this.#accepted;
  }

  /** From now on every answer closes its connection, those that are being computed too, and says so. */
  closeAfterAnswers(): void {
    this.#isClosing = true;
    for (const response of this.#requests.keys()) closeAfter(response);
  }

  /**
   * Closes each connection that has had no request for so long. Its client is told that nothing more comes, and may still
   * be sending: it is not reset at once.
   */
  closeIdle(milliseconds: number): void {
    const until = performance.now() - milliseconds;
    for (const [socket, since] of this.#sockets) if (since !== undefined && since <= until) socket.end();
  }

  /**
   * Closes each connection on which the server waits for the client: for the rest of a request, for the client to take
   * an answer that has begun, or for a first request. A request that arrived whole and whose answer has not begun keeps
   * its connection.
   */
  closeWaiting(): void {
    const accepted = [...this.#requests].filter(([response, request]) => request.complete && !response.headersSent);
    const kept = new Set(accepted.map(([, { socket }]) => socket));
    for (const socket of this.#sockets.keys()) if (!kept.has(socket)) socket.destroy();
  }

  closeAll(): void {
    for (const socket of this.#sockets.keys()) socket.destroy();
  }

  /** Node's timeout of a socket starts anew with each byte that the client takes. */
  #watchReaders(milliseconds: number, onCutOff: (request: IncomingMessage) => void): void {
    for (const [response, request] of this.#requests) {
      const { socket } = request;
      const isWatched = socket.timeout === milliseconds;
      if (socket.writableLength > 0 && !isWatched) {
        socket.setTimeout(milliseconds);
        response.once('timeout', () => {
          onCutOff(request);
          socket.destroy();
        });
      } else if (socket.writableLength === 0 && isWatched) {
        socket.setTimeout(0);
        response.removeAllListeners('timeout');
      }
    }
  }
}

function closeAfter(response: ServerResponse): void {
  const { socket } = response.req;
  // Where the headers are out already, the client learns it by the end of the connection.
  if (response.headersSent) response.once('finish', () => socket.end());
  else response.shouldKeepAlive = false;
}
