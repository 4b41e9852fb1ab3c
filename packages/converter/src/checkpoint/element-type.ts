import { fromBfloat16, fromHalf } from '../numeric/half.js';

/** Bytes an element takes, for every type of the safetensors specification (0.8); torch's types are named the same way. */
export const ELEMENT_BYTES = { F64: 8, F32: 4, F16: 2, BF16: 2, I64: 8, I32: 4, I16: 2, I8: 1, U8: 1, U16: 2, U32: 4, U64: 8, BOOL: 1, F8_E4M3: 1, F8_E5M2: 1 } as const;
export type ElementType = keyof typeof ELEMENT_BYTES;

export function isElementType(name: string): name is ElementType {
  return Object.hasOwn(ELEMENT_BYTES, name);
}

type Decoder = (view: DataView, at: number) => number;
const DECODERS: Readonly<Partial<Record<ElementType, Decoder>>> = {
  F32: (view, at) => view.getFloat32(at, true),
  F64: (view, at) => view.getFloat64(at, true),
  F16: (view, at) => fromHalf(view.getUint16(at, true)),
  BF16: (view, at) => fromBfloat16(view.getUint16(at, true)),
};

/** The types that a weight may have. */
export const WEIGHT_TYPES = Object.keys(DECODERS);

/** Little-endian elements → float32; undefined for a type that no weight has. */
export function decodeFloats(type: ElementType, bytes: Uint8Array<ArrayBuffer>): Float32Array<ArrayBuffer> | undefined {
  const decode = DECODERS[type];
  if (decode === undefined) return undefined;
  // Every machine that Node 20 runs on is little-endian: float32 needs no decoding.
  if (type === 'F32' && bytes.byteOffset % 4 === 0) return new Float32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
  const width = ELEMENT_BYTES[type];
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const values = new Float32Array(bytes.length / width);
  for (let i = 0; i < values.length; i++) values[i] = decode(view, i * width);
  return values;
}
