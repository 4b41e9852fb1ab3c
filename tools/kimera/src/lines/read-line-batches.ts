import { createReadStream } from 'node:fs';

/** Bytes of one line: as much as the server takes in one request. */
export const MAX_LINE_BYTES = 8 << 20;

/** A line without its end, or why it cannot be read. */
export type Line = { readonly text: string } | { readonly problem: string };

const NEWLINE = 0x0a;

/**
 * The lines of a stream as they arrive, at most `maxLines` together; a line is never held back to fill a batch, and at
 * most one unfinished line is kept. Lines beyond {@link MAX_LINE_BYTES} and lines that are not UTF-8 are problems, not
 * failures. A last line needs no newline.
 */
export async function* readLineBatches(
  input: AsyncIterable<Buffer>,
  maxLines: number,
): AsyncGenerator<readonly Line[]> {
  let parts: Buffer[] = [];
  let length = 0;
  const take = (last: Buffer): Line => {
    const bytes = length + last.length;
    const line =
      bytes > MAX_LINE_BYTES
        ? { problem: `the line has more than ${MAX_LINE_BYTES} bytes` }
        : decode(parts.length === 0 ? last : Buffer.concat([...parts, last]));
    parts = [];
    length = 0;
    return line;
  };
  for await (const chunk of input) {
    let lines: Line[] = [];
    let from = 0;
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, from)) {
      lines.push(take(chunk.subarray(from, end)));
      from = end + 1;
      if (lines.length < maxLines) continue;
      yield lines;
      lines = [];
    }
    if (lines.length > 0) yield lines;
    const rest = chunk.subarray(from);
    length += rest.length;
    // Of a line that is too long only its length is kept.
    if (length > MAX_LINE_BYTES) parts = [];
    else if (rest.length > 0) parts.push(rest);
  }
  if (length > 0) yield [take(Buffer.alloc(0))];
}

function decode(bytes: Buffer): Line {
  try {
    return { text: new TextDecoder('utf-8', { fatal: true }).decode(bytes) };
  } catch {
    return { problem: 'the line is not UTF-8' };
  }
}

/** Lines of a file, of which the last needs no newline. */
export async function countLines(path: string): Promise<number> {
  let count = 0;
  let endsWithNewline = true;
  for await (const chunk of createReadStream(path) as AsyncIterable<Buffer>) {
    for (let at = chunk.indexOf(NEWLINE); at >= 0; at = chunk.indexOf(NEWLINE, at + 1)) count++;
    endsWithNewline = chunk.at(-1) === NEWLINE;
  }
  return endsWithNewline ? count : count + 1;
}
