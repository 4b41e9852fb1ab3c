import type { VectorType, VectorTypes } from './embedding.js';

const BYTES = { float: 4, int8: 1, uint8: 1, binary: 1, ubinary: 1 } as const satisfies Record<VectorType, number>;

/** A vector as the server sends it in base64: little-endian float32, or bytes. Undefined: it is none of that type. */
export function vectorOf<Type extends VectorType>(base64: string, type: Type): VectorTypes[Type] | undefined {
  const bytes = bytesOf(base64);
  if (bytes === undefined || bytes.length % BYTES[type] !== 0) return undefined;
  const vectors: { readonly [Each in VectorType]: () => VectorTypes[Each] } = {
    float: () => {
      const view = new DataView(bytes.buffer);
      return Float32Array.from({ length: bytes.length / 4 }, (_, i) => view.getFloat32(i * 4, true));
    },
    int8: () => new Int8Array(bytes.buffer),
    uint8: () => bytes,
    binary: () => new Int8Array(bytes.buffer),
    ubinary: () => bytes,
  };
  return vectors[type]();
}

/** Undefined: it is no base64. */
export function bytesOf(base64: string): Uint8Array<ArrayBuffer> | undefined {
  let text: string;
  try {
    text = atob(base64);
  } catch {
    return undefined;
  }
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
}
