import { readSafetensors, type Tensor } from '@kimera/safetensors';
import { InvalidSafetensorsError } from '../errors.js';

/**
 * A static model has three tensors; this leaves room for metadata, and keeps a hostile header from being parsed at all.
 */
const MAX_HEADER_BYTES = 1_000_000;

/** The tensors of a file by name, views of its bytes. @param source for messages. @throws InvalidSafetensorsError. */
export function parseSafetensors(file: Uint8Array<ArrayBuffer>, source: string): ReadonlyMap<string, Tensor> {
  const refuse = (reason: string): never => {
    throw new InvalidSafetensorsError(source, reason);
  };
  return readSafetensors(file, refuse, MAX_HEADER_BYTES);
}
