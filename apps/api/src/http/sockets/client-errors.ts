import { randomUUID } from 'node:crypto';
import { STATUS_CODES, type Server, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { WebSettings } from '@kimera/serving';
import { HttpError } from '../../errors.js';
import { originHeaders } from '../admission/cross-origin.js';
import { REQUEST_ID } from '../admission/request-id.js';
import { SECURITY_HEADERS } from '../admission/security-headers.js';
import { bodyOf, contractOf } from '../refusals/error-mapping.js';
import { REFUSALS } from '../refusals/refusals.js';

export interface ClientErrorParts {
  /** Pages of which origins may read an answer. */
  readonly corsOrigins: WebSettings['corsOrigins'];
  /** What was refused before there was a request. */
  readonly onRefused: (refusal: {
    /** Its id. */
    readonly request: string;
    readonly status: number;
    readonly path: string;
    readonly reason: string;
  }) => void;
}

type ParserError = Error & { readonly code?: string; readonly rawPacket?: Buffer; readonly reason?: string };

interface Refused {
  readonly refusal: HttpError;
  readonly path: string | undefined;
  readonly origin: string | undefined;
  readonly reason: string;
  readonly headers?: readonly string[];
}

/**
 * What Node's parser refuses is answered in the contract of its path. Before there is a request, it is told and counted
 * here; in the body of one, it is the answer of that request; behind one that came whole, it waits for that one's answer.
 */
export function answerClientErrors(server: Server, { corsOrigins, onRefused }: ClientErrorParts): void {
  /** The last request of a connection, while it is not answered. */
  const responses = new WeakMap<Socket, ServerResponse>();
  const refused = new WeakSet<Socket>();
  /** Where the last request was answered before all of it had come. */
  const answeredEarly = new WeakSet<Socket>();
  server.on('request', ({ socket }, response) => {
    answeredEarly.delete(socket);
    responses.set(socket, response);
    response.once('close', () => {
      if (!response.req.complete) answeredEarly.add(socket);
      if (responses.get(socket) === response) responses.delete(socket);
    });
  });
  server.on('clientError', (error: ParserError, socket: Socket) => {
    if (error.code === 'ECONNRESET' || !socket.writable) {
      socket.destroy();
      return;
    }
    if (answeredEarly.has(socket)) {
      socket.destroySoon();
      return;
    }
    // Each packet that follows is an error again.
    if (refused.has(socket)) return;
    refused.add(socket);
    const refusal = refusalOf(error);
    const response = responses.get(socket);
    if (response !== undefined && !response.req.complete) {
      if (error.code === 'HPE_INVALID_EOF_STATE' && !response.headersSent) answerWhoLeft(response);
      else refuseRequest(response, refusal);
      return;
    }
    // Behind a request that came whole the packet may begin with that one.
    const packet = response === undefined ? (error.rawPacket?.toString('latin1') ?? '') : '';
    const answer = (): void =>
      refuseBytes(socket, {
        refusal,
        path: pathOf(packet),
        origin: originOf(packet),
        reason: error.code ?? error.message,
      });
    if (response === undefined) answer();
    else response.once('finish', answer);
  });
  // Node would close the connection without a word.
  server.on('connect', ({ url = '', headers: { origin } }, socket: Socket) =>
    refuseBytes(socket, {
      refusal: new HttpError('method_not_allowed', 'this server is no proxy: it does not answer CONNECT'),
      path: undefined,
      origin,
      reason: `CONNECT ${url.slice(0, 200)}`,
      headers: ['Allow: GET, HEAD, POST'],
    }),
  );

  function refuseBytes(socket: Socket, { refusal, path, origin, reason, headers = [] }: Refused): void {
    if (!socket.writable) return;
    const answer = answerOf(refusal, path ?? '/v1');
    const request = randomUUID();
    onRefused({ request, status: answer.status, path: path ?? '', reason });
    end(socket, answer, [`${REQUEST_ID}: ${request}`, ...originHeaders(corsOrigins, origin), ...headers]);
  }

  /** The client ended its side in the middle of the body. The app tells it as one that left; one that still reads gets why. */
  function answerWhoLeft(response: ServerResponse): void {
    const { socket, url = '', headers } = response.req;
    const refusal = new HttpError('malformed_request', 'the body of the request ends early');
    end(socket, answerOf(refusal, url), [
      `${REQUEST_ID}: ${String(response.getHeader(REQUEST_ID))}`,
      ...originHeaders(corsOrigins, headers.origin),
    ]);
  }
}

interface Answer {
  readonly status: number;
  readonly body: string;
}

/** In the contract of the path. @param url a path, a query may follow. */
function answerOf(refusal: HttpError, url: string): Answer {
  const contract = contractOf(url.split('?')[0] ?? '');
  const [status] = REFUSALS[refusal.code][contract];
  return { status, body: JSON.stringify(bodyOf(refusal, contract)) };
}

/** Bytes, past Node's response; the connection ends with them. */
function end(socket: Socket, { status, body }: Answer, headers: readonly string[]): void {
  socket.on('error', () => undefined);
  socket.end(
    [
      `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}`,
      'Connection: close',
      ...Object.entries(SECURITY_HEADERS).map(([name, value]) => `${name}: ${value}`),
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

/** The app counts it, with its own id and headers. */
function refuseRequest(response: ServerResponse, refusal: HttpError): void {
  const { socket, url = '' } = response.req;
  if (response.headersSent) {
    socket.destroySoon();
    return;
  }
  const { status, body } = answerOf(refusal, url);
  response.writeHead(status, {
    Connection: 'close',
    'Content-Type': 'application/json; charset=utf-8',
    'Content-Length': Buffer.byteLength(body),
  });
  response.end(body, () => socket.destroySoon());
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
function pathOf(packet: string): string | undefined {
  return /^[A-Z]+ (\/[^\s?]{0,200})/.exec(packet)?.[1];
}

function originOf(packet: string): string | undefined {
  return /\r\norigin: *([^\s]{1,200})/i.exec(packet)?.[1];
}
