import type { Tensor } from './tensor.js';

/** The bytes of a safetensors file: tensors in the order given, the header padded to a multiple of 8 bytes. */
export function writeSafetensors(tensors: ReadonlyMap<string, Tensor>): Uint8Array<ArrayBuffer> {
  let end = 0;
  const entries = [...tensors].map(([name, { type, shape, bytes }]) => [name, { dtype: type, shape, data_offsets: [end, (end += bytes.length)] }] as const);
  const json = new TextEncoder().encode(JSON.stringify(Object.fromEntries(entries)));
  const headerBytes = Math.ceil(json.length / 8) * 8;
  const file = new Uint8Array(8 + headerBytes + end);
  new DataView(file.buffer).setBigUint64(0, BigInt(headerBytes), true);
  file.fill(0x20, 8, 8 + headerBytes);
  file.set(json, 8);
  let at = 8 + headerBytes;
  for (const { bytes } of tensors.values()) {
    file.set(bytes, at);
    at += bytes.length;
  }
  return file;
}
