import { ELEMENT_BYTES, type ElementType } from './element-type.js';

/** A tensor without its elements. */
export interface TensorEntry {
  readonly type: ElementType;
  readonly shape: readonly number[];
}

/** Row-major, little-endian. */
export interface Tensor extends TensorEntry {
  readonly bytes: Uint8Array<ArrayBuffer>;
}

export function elementCount(shape: readonly number[]): number {
  return shape.reduce((product, dimension) => product * dimension, 1);
}

export function tensorBytes({ type, shape }: TensorEntry): number {
  return elementCount(shape) * ELEMENT_BYTES[type];
}
