import { headerBytes, parseHeader, PREFIX_BYTES, type Refuse } from './header.js';
import type { Tensor } from './tensor.js';

/**
 * The tensors of a file in memory by name, views of its bytes. @param maxHeaderBytes the format's own limit where it is
 * not given.
 */
export function readSafetensors(
  file: Uint8Array<ArrayBuffer>,
  refuse: Refuse,
  maxHeaderBytes?: number,
): ReadonlyMap<string, Tensor> {
  const dataStart = PREFIX_BYTES + headerBytes(file.subarray(0, PREFIX_BYTES), file.length, refuse, maxHeaderBytes);
  const data = file.subarray(dataStart);
  const { entries } = parseHeader(file.subarray(PREFIX_BYTES, dataStart), data.length, refuse);
  return new Map(
    [...entries].map(([name, { type, shape, from, to }]) => [name, { type, shape, bytes: data.subarray(from, to) }]),
  );
}
