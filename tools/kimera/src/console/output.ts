import type { Writable } from 'node:stream';
import { createColors } from 'picocolors';
import { OutputClosedError } from '../errors.js';

/** A stream whose writes are awaited, so that a slow reader slows the writer. */
export class Output {
  readonly #stream: Writable;

  constructor(stream: Writable) {
    this.#stream = stream;
    // Every write reports its own error.
    stream.on('error', () => undefined);
  }

  /** @throws OutputClosedError where the reader has gone. */
  write(text: string): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#stream.write(text, (error) => {
        if (error === null || error === undefined) resolve();
        else reject('code' in error && CLOSED.includes(String(error.code)) ? new OutputClosedError() : error);
      });
    });
  }

  line(text: string): Promise<void> {
    return this.write(`${text}\n`);
  }

  json(document: unknown): Promise<void> {
    return this.line(JSON.stringify(document, null, 2));
  }
}
const CLOSED = ['EPIPE', 'ERR_STREAM_DESTROYED', 'ECONNRESET'];

/** Colours where the output is a terminal that has them: not in a pipe, and not with NO_COLOR (no-color.org). */
export function colorsFor(
  { isTTY = false }: { readonly isTTY?: boolean },
  environment: Readonly<Record<string, string | undefined>>,
): ReturnType<typeof createColors> {
  const isPlain = (environment['NO_COLOR'] ?? '') !== '' || environment['TERM'] === 'dumb';
  return createColors(isTTY && !isPlain);
}
