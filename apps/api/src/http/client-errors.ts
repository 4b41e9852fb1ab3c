import { randomUUID } from 'node:crypto';
import { STATUS_CODES, type Server, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { HttpError } from '../errors.js';
import { bodyOf, contractOf } from './error-mapping.js';
import { REFUSALS } from './refusals.js';
import { REQUEST_ID } from './request-id.js';

export interface ClientErrorParts {
  readonly onRefused: (refusal: {
    /** Its id. */
    readonly request: string;
    readonly status: number;
    readonly path: string;
    readonly reason: string;
  }) => void;
}

type ParserError = Error & { readonly code?: string; readonly rawPacket?: Buffer; readonly reason?: string };

/** What Node's parser refuses before there is a request: answered in the contract of the path, told and counted. */
export function answerClientErrors(server: Server, { onRefused }: ClientErrorParts): void {
  const responses = new WeakMap<Socket, ServerResponse>();
  server.on('request', ({ socket }, response) => {
    responses.set(socket, response);
    response.once('close', () => {
      if (responses.get(socket) === response) responses.delete(socket);
    });
  });
  server.on('clientError', (error: ParserError, socket: Socket) => {
    // The client is gone, or its answer has begun.
    if (error.code === 'ECONNRESET' || !socket.writable || responses.get(socket)?.headersSent === true) {
      socket.destroy();
      return;
    }
    const path = pathOf(error.rawPacket);
    answer(socket, path, refusalOf(error), error.code ?? error.message);
  });
  // Node would close the connection without a word.
  server.on('connect', ({ url = '' }, socket: Socket) => {
    const refusal = new HttpError('method_not_allowed', 'this server is no proxy: it does not answer CONNECT');
    answer(socket, undefined, refusal, `CONNECT ${url.slice(0, 200)}`, ['Allow: GET, HEAD, POST']);
  });

  function answer(
    socket: Socket,
    path: string | undefined,
    refusal: HttpError,
    reason: string,
    headers: readonly string[] = [],
  ): void {
    const contract = contractOf(path ?? '/v1');
    const [status] = REFUSALS[refusal.code][contract];
    const body = JSON.stringify(bodyOf(refusal, contract));
    const request = randomUUID();
    onRefused({ request, status, path: path ?? '', reason });
    socket.on('error', () => undefined);
    socket.end(
      [
        `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}`,
        'Connection: close',
        `${REQUEST_ID}: ${request}`,
        ...headers,
        'Content-Type: application/json; charset=utf-8',
        `Content-Length: ${Buffer.byteLength(body)}`,
        '',
        body,
      ].join('\r\n'),
      // What the client still sends is not waited for.
      () => socket.destroySoon(),
    );
  }
}

function refusalOf({ code, reason, message }: ParserError): HttpError {
  switch (code) {
    case 'HPE_HEADER_OVERFLOW':
      return new HttpError('headers_too_large', 'the headers of the request are too large');
    case 'HPE_CHUNK_EXTENSIONS_OVERFLOW':
      return new HttpError('body_too_large', 'the chunk extensions of the request are too large');
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return new HttpError('request_timeout', 'the request did not arrive in time');
    default:
      return new HttpError('malformed_request', `the request is not HTTP: ${reason ?? message}`);
  }
}

/** Of the request line, where the parser still has it. */
function pathOf(packet: Buffer | undefined): string | undefined {
  return /^[A-Z]+ (\/[^\s?]{0,200})/.exec(packet?.toString('latin1', 0, 256) ?? '')?.[1];
}
