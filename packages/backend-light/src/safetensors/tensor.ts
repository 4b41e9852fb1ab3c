import type { ElementType } from './element-type.js';

/** A tensor of a file: row-major, little-endian. */
export interface Tensor {
  readonly type: ElementType;
  readonly shape: readonly number[];
  readonly bytes: Uint8Array<ArrayBuffer>;
}
