import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/** The open connections of an HTTP server. */
export class Connections {
  readonly #sockets = new Set<Socket>();
  readonly #requests = new Map<ServerResponse, IncomingMessage>();

  constructor(server: Server) {
    server.on('connection', (socket) => {
      this.#sockets.add(socket);
      socket.once('close', () => this.#sockets.delete(socket));
    });
    server.on('request', (request, response) => {
      this.#requests.set(response, request);
      response.once('close', () => this.#requests.delete(response));
    });
  }

  /**
   * Closes each connection on which the server waits for the client: for the rest of a request, for the client to take
   * an answer that has begun, or for a first request. A request that arrived whole and whose answer has not begun keeps
   * its connection.
   */
  closeWaiting(): void {
    const accepted = [...this.#requests].filter(([response, request]) => request.complete && !response.headersSent);
    const kept = new Set(accepted.map(([, { socket }]) => socket));
    for (const socket of this.#sockets) if (!kept.has(socket)) socket.destroy();
  }
}
