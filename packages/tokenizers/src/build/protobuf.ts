import { InvalidTokenizerError } from '../errors.js';

/** A field of a protocol buffers message: its number, and a number or bytes. */
export interface ProtobufField {
  readonly field: number;
  readonly value: number | Uint8Array;
}

/**
 * The fields of a message in their order (protobuf.dev, wire format): varint (as int32), 32 and 64 bits, bytes. Groups,
 * numbers beyond 10 bytes and lengths beyond the message are refused.
 */
export function* protobufFields(bytes: Uint8Array, source: string, at: string): Generator<ProtobufField> {
  const fail = (reason: string): never => {
    throw new InvalidTokenizerError(source, at, reason);
  };
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let position = 0;
  const varint = (): bigint => {
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = bytes[position];
      if (byte === undefined) return fail('the file ends within a number');
      position += 1;
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
    return fail('a number is longer than 10 bytes');
  };
  const take = (length: number): number => {
    if (length > bytes.length - position)
      return fail(`${length} bytes are claimed, ${bytes.length - position} are there`);
    position += length;
    return position - length;
  };
  while (position < bytes.length) {
    const key = Number(varint());
    const field = Math.floor(key / 8);
    if (field === 0) fail('a field has the number 0');
    switch (key % 8) {
      case 0:
        yield { field, value: Number(BigInt.asIntN(32, varint())) };
        break;
      case 1:
        yield { field, value: view.getFloat64(take(8), true) };
        break;
      case 2: {
        const length = Number(varint());
        const start = take(length);
        yield { field, value: bytes.subarray(start, start + length) };
        break;
      }
      case 5:
        yield { field, value: view.getFloat32(take(4), true) };
        break;
      default:
        fail(`a field has the wire type ${key % 8}`);
    }
  }
}
