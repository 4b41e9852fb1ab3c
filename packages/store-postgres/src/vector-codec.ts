import type { Vector } from '@kimera/core';

/**
 * pgvector's binary form (vector_send in vector.c): uint16 dimension, uint16 unused, D float32, all big-endian. What
 * goes in comes out bit by bit; text would be rounded to the shortest form and read back, the same but slower.
 */
const HEADER_BYTES = 4;

/** Numbers that a column of pgvector's type `vector` holds (VECTOR_MAX_DIM in vector.h). */
export const MAX_DIMENSION = 16_000;

export function encodeVector(vector: Vector): Buffer {
  const bytes = Buffer.alloc(HEADER_BYTES + vector.length * 4);
  bytes.writeUInt16BE(vector.length, 0);
  vector.forEach((value, i) => bytes.writeFloatBE(value, HEADER_BYTES + i * 4));
  return bytes;
}

export function decodeVector(bytes: Buffer): Vector {
  return Float32Array.from({ length: bytes.readUInt16BE(0) }, (_, i) => bytes.readFloatBE(HEADER_BYTES + i * 4));
}
