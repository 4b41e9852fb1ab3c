import { request, type Agent, type IncomingHttpHeaders } from 'node:http';

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  /** Milliseconds until the whole answer is there. */
  readonly milliseconds: number;
  /** Whether the connection had served a request before. */
  readonly reused: boolean;
}

/** @param path of the whole address. @throws the socket's error: ECONNRESET, ECONNREFUSED, … */
export function call(agent: Agent, url: string, body?: unknown): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const started = performance.now();
    const text = body === undefined ? undefined : typeof body === 'string' ? body : JSON.stringify(body);
    const sent = request(
      url,
      {
        agent,
        method: text === undefined ? 'GET' : 'POST',
        ...(text === undefined
          ? {}
          : { headers: { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) } }),
      },
      (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.once('error', reject);
        response.once('end', () =>
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            body: Buffer.concat(chunks).toString(),
            milliseconds: performance.now() - started,
            reused: sent.reusedSocket,
          }),
        );
      },
    );
    sent.once('error', reject);
    sent.end(text);
  });
}

const WORDS =
  'river stone music garden window bridge winter letter summer market engine forest silver copper paper'.split(' ');
let made = 0;

/** A text of about `words` tokens that no other call gave: no cache knows it. */
export function freshText(words = 10): string {
  made += 1;
  return [
    `text ${made}`,
    ...Array.from({ length: words - 2 }, (_, i) => WORDS[(made * 7 + i * 3) % WORDS.length]),
  ].join(' ');
}
