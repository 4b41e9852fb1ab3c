import { PREFIX_BYTES } from './header.js';
import { tensorBytes, type Tensor, type TensorEntry } from './tensor.js';

/**
 * What a file has before its data: prefix and header, filled with spaces to a multiple of 8 bytes. The tensors' bytes
 * follow in the order given.
 */
export function encodeHeader(
  tensors: Iterable<readonly [name: string, TensorEntry]>,
  metadata?: Readonly<Record<string, string>>,
): Uint8Array<ArrayBuffer> {
  let end = 0;
  const entries = Array.from(
    tensors,
    ([name, entry]) =>
      [name, { dtype: entry.type, shape: entry.shape, data_offsets: [end, (end += tensorBytes(entry))] }] as const,
  );
  const json = new TextEncoder().encode(
    JSON.stringify({ ...(metadata === undefined ? {} : { __metadata__: metadata }), ...Object.fromEntries(entries) }),
  );
  const length = Math.ceil(json.length / 8) * 8;
  const bytes = new Uint8Array(PREFIX_BYTES + length).fill(0x20);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(length), true);
  bytes.set(json, PREFIX_BYTES);
  return bytes;
}

/** The bytes of a file. */
export function writeSafetensors(tensors: ReadonlyMap<string, Tensor>): Uint8Array<ArrayBuffer> {
  const parts = [encodeHeader(tensors), ...[...tensors.values()].map(({ bytes }) => bytes)];
  const file = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    file.set(part, at);
    at += part.length;
  }
  return file;
}
