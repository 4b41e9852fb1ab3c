import { ELEMENT_BYTES, type ElementType } from './element-type.js';
import { HALF } from './half.js';
import type { Tensor } from './tensor.js';

type Decoder = (view: DataView, at: number) => number;
const DECODERS: Readonly<Partial<Record<ElementType, Decoder>>> = {
  F64: (view, at) => view.getFloat64(at, true),
  F32: (view, at) => view.getFloat32(at, true),
  F16: (view, at) => HALF[view.getUint16(at, true)] ?? Number.NaN,
  I64: (view, at) => Number(view.getBigInt64(at, true)),
  I32: (view, at) => view.getInt32(at, true),
  I8: (view, at) => view.getInt8(at),
};

/** The elements as numbers; undefined for a type that no static model has. */
export function tensorNumbers({ type, bytes }: Tensor): Float64Array | undefined {
  const decode = DECODERS[type];
  if (decode === undefined) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const width = ELEMENT_BYTES[type];
  return Float64Array.from({ length: bytes.length / width }, (_, i) => decode(view, i * width));
}
