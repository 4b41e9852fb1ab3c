/**
 * Messages of PostgreSQL's protocol 3.0 (https://www.postgresql.org/docs/18/protocol-message-formats.html): one byte of
 * type, then an int32 that counts itself and the body. The first message of a connection has no type.
 */
export interface Frame {
  readonly type: string;
  /** Type and length included. */
  readonly bytes: Buffer;
  readonly body: Buffer;
}

/** Bytes of type and length. */
export const HEADER_BYTES = 5;

export const PROTOCOL_3 = 3 << 16;
/** What stands where a start-up message has its version. */
export const SSL_REQUEST = 80_877_103;
export const GSS_REQUEST = 80_877_104;
export const CANCEL_REQUEST = 80_877_102;

/** Of a transaction: none, open, failed. */
export type TransactionStatus = 'I' | 'T' | 'E';

export function frame(type: string, body: Buffer): Buffer {
  const bytes = Buffer.alloc(HEADER_BYTES + body.length);
  bytes.write(type, 0, 'latin1');
  bytes.writeInt32BE(body.length + 4, 1);
  body.copy(bytes, HEADER_BYTES);
  return bytes;
}

export function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
}

/** Strings, each ended by a NUL. */
export function cStrings(...values: readonly string[]): Buffer {
  return Buffer.from(values.map((value) => `${value}\0`).join(''));
}

/** The strings up to the first empty one or the end. */
export function readCStrings(body: Buffer): readonly string[] {
  const values = body.toString('utf8').split('\0');
  const end = values.indexOf('');
  return end < 0 ? values : values.slice(0, end);
}

export const authenticationCleartextPassword = frame('R', int32(3));
export const authenticationOk = frame('R', int32(0));

export function parameterStatus(name: string, value: string): Buffer {
  return frame('S', cStrings(name, value));
}

export function backendKeyData(pid: number, secret: number): Buffer {
  return frame('K', Buffer.concat([int32(pid), int32(secret)]));
}

export function readyForQuery(status: TransactionStatus): Buffer {
  return frame('Z', Buffer.from(status, 'latin1'));
}

/** `code`: an SQLSTATE. */
export function errorResponse(severity: 'ERROR' | 'FATAL', code: string, message: string): Buffer {
  return frame(
    'E',
    Buffer.concat([cStrings(`S${severity}`, `V${severity}`, `C${code}`, `M${message}`), Buffer.from([0])]),
  );
}

export const copyFail = frame('f', cStrings('COPY FROM STDIN is not supported by the embedded database: use INSERT'));

export function simpleQuery(sql: string): Buffer {
  return frame('Q', cStrings(sql));
}

/** The status in the ReadyForQuery that ends an answer; undefined where the answer has no such end. */
export function finalStatus(answer: Buffer): TransactionStatus | undefined {
  const end = answer.subarray(-6);
  if (end.length < 6 || end.toString('latin1', 0, 1) !== 'Z' || end.readInt32BE(1) !== 5) return undefined;
  const status = end.toString('latin1', 5);
  return status === 'I' || status === 'T' || status === 'E' ? status : undefined;
}
