import { NotCanonicalError } from './errors.js';

export type JsonValue = null | boolean | number | string | readonly JsonValue[] | { readonly [key: string]: JsonValue };

/** What a JSON text says: any JSON there is, of no known shape. @throws SyntaxError where it is not JSON. */
export function parseJson(text: string): JsonValue {
  return JSON.parse(text) as JsonValue;
}

/**
 * RFC 8785 (JCS): no white space, object keys sorted by UTF-16 code units, numbers as ECMAScript prints them, strings
 * as `JSON.stringify`.
 * @throws NotCanonicalError for NaN, infinities and values that are not JSON.
 */
export function canonicalJson(value: JsonValue): string {
  const pieces: string[] = [];
  write(value, (piece) => pieces.push(piece));
  return pieces.join('');
}

/**
 * Its UTF-8 bytes, encoded on the way: as a string a tokenizer of 250,000 pieces would take three times as much memory.
 * @throws NotCanonicalError.
 */
export function canonicalJsonBytes(value: JsonValue): Uint8Array<ArrayBuffer> {
  const encoder = new TextEncoder();
  const chunks: Uint8Array<ArrayBuffer>[] = [];
  let text = '';
  const flush = (): void => {
    chunks.push(encoder.encode(text));
    text = '';
  };
  write(value, (piece) => {
    text += piece;
    if (text.length >= CHUNK) flush();
  });
  flush();
  const bytes = new Uint8Array(chunks.reduce((sum, { length }) => sum + length, 0));
  chunks.reduce((at, chunk) => (bytes.set(chunk, at), at + chunk.length), 0);
  return bytes;
}
/** Characters that are encoded at once. */
const CHUNK = 1 << 16;

/** Pieces are whole strings, numbers and signs: no surrogate pair is torn. */
function write(value: JsonValue, emit: (piece: string) => void): void {
  if (Array.isArray(value)) {
    emit('[');
    value.forEach((item: JsonValue, i) => {
      if (i > 0) emit(',');
      write(item, emit);
    });
    emit(']');
  } else if (typeof value === 'object' && value !== null) {
    const object = value as Readonly<Record<string, JsonValue>>;
    emit('{');
    Object.keys(object)
      .sort(byCodeUnits)
      .forEach((key, i) => {
        emit(`${i > 0 ? ',' : ''}${JSON.stringify(key)}:`);
        write(object[key] as JsonValue, emit);
      });
    emit('}');
  } else {
    const isJson =
      value === null ||
      typeof value === 'boolean' ||
      typeof value === 'string' ||
      (typeof value === 'number' && Number.isFinite(value));
    if (!isJson) throw new NotCanonicalError(value);
    emit(JSON.stringify(value));
  }
}

function byCodeUnits(a: string, b: string): number {
  if (a < b) return -1;
  return a > b ? 1 : 0;
}
