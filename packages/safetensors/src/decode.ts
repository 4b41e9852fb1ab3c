import { ELEMENT_BYTES, type ElementType } from './element-type.js';
import { fromBfloat16, fromHalf } from './half.js';

type Decoder = (view: DataView, at: number) => number;
type Decoders = Readonly<Partial<Record<ElementType, Decoder>>>;
const FLOATS: Decoders = {
  F32: (view, at) => view.getFloat32(at, true),
  F64: (view, at) => view.getFloat64(at, true),
  F16: (view, at) => fromHalf(view.getUint16(at, true)),
  BF16: (view, at) => fromBfloat16(view.getUint16(at, true)),
};
const NUMBERS: Decoders = {
  ...FLOATS,
  I64: (view, at) => Number(view.getBigInt64(at, true)),
  I32: (view, at) => view.getInt32(at, true),
  I8: (view, at) => view.getInt8(at),
};

/** The types that {@link decodeFloats} reads. */
export const FLOAT_TYPES: readonly string[] = Object.keys(FLOATS);

/**
 * Little-endian floats → float32, a view of `bytes` where they are aligned float32 already; undefined for a type that
 * is not of {@link FLOAT_TYPES}.
 */
export function decodeFloats(type: ElementType, bytes: Uint8Array<ArrayBuffer>): Float32Array<ArrayBuffer> | undefined {
  // Every machine that Node 20 or a browser runs on is little-endian: float32 needs no decoding.
  if (type === 'F32' && bytes.byteOffset % 4 === 0)
    return new Float32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
  const decode = FLOATS[type];
  return decode === undefined
    ? undefined
    : decodeInto(new Float32Array(bytes.length / ELEMENT_BYTES[type]), decode, type, bytes);
}

/** Little-endian floats or signed integers → float64; undefined for another type. I64 is exact up to 2^53. */
export function decodeNumbers(
  type: ElementType,
  bytes: Uint8Array<ArrayBuffer>,
): Float64Array<ArrayBuffer> | undefined {
  const decode = NUMBERS[type];
  return decode === undefined
    ? undefined
    : decodeInto(new Float64Array(bytes.length / ELEMENT_BYTES[type]), decode, type, bytes);
}

function decodeInto<T extends Float32Array | Float64Array>(
  values: T,
  decode: Decoder,
  type: ElementType,
  bytes: Uint8Array,
): T {
  const width = ELEMENT_BYTES[type];
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  for (let i = 0; i < values.length; i++) values[i] = decode(view, i * width);
  return values;
}
