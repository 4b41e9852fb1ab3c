import { isUtf8 } from 'node:buffer';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Readable, Transform } from 'node:stream';
import { HttpError } from '../../errors.js';
import { decoderOf } from './content-encoding.js';
import { continueRequest } from './expect-continue.js';
import { JsonScan } from './json-scan.js';
import { checkMediaType } from './media-type.js';

/**
 * The JSON body of a request. What can be refused by the headers is refused before anything is read, also before
 * `100 Continue`; reading ends at the limit, of what was sent and of what it is decompressed to.
 * @param limit bytes. @throws HttpError.
 */
export async function readBody(request: IncomingMessage, response: ServerResponse, limit: number): Promise<unknown> {
  checkMediaType(request.headers['content-type']);
  const decoder = decoderOf(request.headers['content-encoding']);
  const length = Number(request.headers['content-length'] ?? 0);
  if (length > limit) {
    decoder?.destroy();
    throw tooLarge(limit, String(length));
  }
  continueRequest(request, response);
  const bytes = await collect(request, decoder, limit);
  if (bytes.length === 0) throw new HttpError('malformed_json', 'the body is empty, expected a JSON object');
  if (!isUtf8(bytes)) throw new HttpError('malformed_json', 'the body is not UTF-8');
  try {
    // Some clients put a byte order mark first.
    return JSON.parse(bytes.toString('utf8').replace(/^\uFEFF/, ''));
  } catch (cause) {
    throw new HttpError('malformed_json', 'the body is not JSON', null, {}, { cause });
  }
}

function collect(request: IncomingMessage, decoder: Transform | undefined, limit: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const source: Readable = decoder ?? request;
    const scan = new JsonScan();
    const chunks: Buffer[] = [];
    let size = 0;
    let sent = 0;
    const end = (): void => {
      source.off('data', take).off('end', succeed).off('error', spoilt);
      request.off('data', count).off('close', left);
      if (decoder === undefined) return;
      request.unpipe(decoder);
      decoder.on('error', () => undefined).destroy();
    };
    const fail = (error: unknown): void => {
      end();
      // Nothing reads on: see unread-body.ts.
      request.pause();
      reject(error instanceof Error ? error : new Error(String(error)));
    };
    const take = (chunk: Buffer): void => {
      size += chunk.length;
      if (size > limit) {
        fail(tooLarge(limit, `more than ${limit}`));
        return;
      }
      chunks.push(chunk);
      try {
        scan.push(chunk);
      } catch (error) {
        fail(error);
      }
    };
    const count = (chunk: Buffer): void => {
      sent += chunk.length;
      if (sent > limit) fail(tooLarge(limit, `more than ${limit}`));
    };
    const succeed = (): void => {
      end();
      resolve(Buffer.concat(chunks));
    };
    const spoilt = (cause: unknown): void =>
      fail(
        decoder === undefined
          ? gone()
          : new HttpError(
              'malformed_body',
              `the body is not what Content-Encoding says: ${request.headers['content-encoding'] ?? ''} that is damaged or ends early`,
              null,
              {},
              { cause },
            ),
      );
    const left = (): void => {
      if (!request.complete) fail(gone());
    };
    source.on('data', take).once('end', succeed).once('error', spoilt);
    request.once('close', left);
    if (decoder === undefined) return;
    request.on('data', count).on('error', left);
    request.pipe(decoder);
  });
}

function tooLarge(limit: number, actual: string): HttpError {
  return new HttpError('body_too_large', `the body has ${actual} bytes, the limit is ${limit}`, null, { limit });
}

function gone(): HttpError {
  return new HttpError('client_closed_request', 'the client closed the connection before the body ended');
}
