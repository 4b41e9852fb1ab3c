/** Slow, obvious float64 arithmetic on row-major arrays: the independent reference. */

import type { RelativeBias } from './relative-bias.js';

/** Over the last axis of [T, D]. */
export function layerNorm(x: Float64Array, gain: Float32Array, bias: Float32Array, epsilon: number): Float64Array {
  const d = gain.length;
  const out = new Float64Array(x.length);
  for (let from = 0; from < x.length; from += d) {
    const row = x.subarray(from, from + d);
    const mean = row.reduce((sum, value) => sum + value, 0) / d;
    const variance = row.reduce((sum, value) => sum + (value - mean) ** 2, 0) / d;
    const scale = 1 / Math.sqrt(variance + epsilon);
    for (let i = 0; i < d; i++)
      out[from + i] = ((row[i] as number) - mean) * scale * (gain[i] as number) + (bias[i] as number);
  }
  return out;
}

/** Softmax(Q·Kᵀ/√d + bias)·V per head; q, k, v [T, H·d]. */
export function attention(
  q: Float64Array,
  k: Float64Array,
  v: Float64Array,
  tokens: number,
  heads: number,
  bias?: RelativeBias,
): Float64Array {
  const width = q.length / tokens;
  const d = width / heads;
  const scale = Math.sqrt(d);
  const out = new Float64Array(q.length);
  const weights = new Float64Array(tokens);
  const [query, mixed] = [new Float64Array(d), new Float64Array(d)];
  for (let h = 0; h < heads; h++) {
    const [keys, values] = [headRows(k, width, h * d, d), headRows(v, width, h * d, d)];
    // Of the distances -(T - 1) to T - 1.
    const biases = Float64Array.from({ length: 2 * tokens - 1 }, (_, i) => bias?.(h, i - tokens + 1) ?? 0);
    for (let t = 0; t < tokens; t++) {
      const from = t * width + h * d;
      query.set(q.subarray(from, from + d));
      products(keys, query, tokens, weights);
      let largest = -Infinity;
      for (let s = 0; s < tokens; s++) {
        const score = (weights[s] as number) / scale + (biases[s - t + tokens - 1] as number);
        weights[s] = score;
        if (score > largest) largest = score;
      }
      let total = 0;
      for (let s = 0; s < tokens; s++) {
        const weight = Math.exp((weights[s] as number) - largest);
        weights[s] = weight;
        total += weight;
      }
      for (let s = 0; s < tokens; s++) weights[s] = (weights[s] as number) / total;
      mix(values, weights, tokens, mixed);
      out.set(mixed, from);
    }
  }
  return out;
}

/** out = rows [T, d] · x, four rows at a time: a sum waits for itself alone, so that four take as long as one. */
function products(rows: Float64Array, x: Float64Array, tokens: number, out: Float64Array): void {
  const d = x.length;
  let row = 0;
  for (; row + 4 <= tokens; row += 4) {
    let [s0, s1, s2, s3] = [0, 0, 0, 0];
    for (let i = 0, at = row * d; i < d; i++, at++) {
      const value = x[i] as number;
      s0 += value * (rows[at] as number);
      s1 += value * (rows[at + d] as number);
      s2 += value * (rows[at + 2 * d] as number);
      s3 += value * (rows[at + 3 * d] as number);
    }
    out[row] = s0;
    out[row + 1] = s1;
    out[row + 2] = s2;
    out[row + 3] = s3;
  }
  for (; row < tokens; row++) {
    let sum = 0;
    for (let i = 0; i < d; i++) sum += (x[i] as number) * (rows[row * d + i] as number);
    out[row] = sum;
  }
}

/** out = Σ sharesₜ · rowₜ of rows [T, d], in the order of t. */
function mix(rows: Float64Array, shares: Float64Array, tokens: number, out: Float64Array): void {
  const d = out.length;
  out.fill(0);
  let row = 0;
  for (; row + 4 <= tokens; row += 4) {
    const w0 = shares[row] as number;
    const w1 = shares[row + 1] as number;
    const w2 = shares[row + 2] as number;
    const w3 = shares[row + 3] as number;
    for (let i = 0, at = row * d; i < d; i++, at++)
      out[i] =
        (out[i] as number) +
        w0 * (rows[at] as number) +
        w1 * (rows[at + d] as number) +
        w2 * (rows[at + 2 * d] as number) +
        w3 * (rows[at + 3 * d] as number);
  }
  for (; row < tokens; row++)
    for (let i = 0; i < d; i++) out[i] = (out[i] as number) + (shares[row] as number) * (rows[row * d + i] as number);
}

/** Columns [from, from + d) of [T, width], packed: [T, d]. */
function headRows(x: Float64Array, width: number, from: number, d: number): Float64Array {
  const packed = new Float64Array((x.length / width) * d);
  for (let row = 0; row * width < x.length; row++)
    packed.set(x.subarray(row * width + from, row * width + from + d), row * d);
  return packed;
}

export function add(a: Float64Array, b: Float64Array): Float64Array {
  const out = new Float64Array(a.length);
  for (let i = 0; i < a.length; i++) out[i] = (a[i] as number) + (b[i] as number);
  return out;
}

/** x·Φ(x), with the error function by its series (|x| < 3) or its continued fraction, both to float64 accuracy. */
export function gelu(x: Float64Array): Float64Array {
  return x.map((value) => 0.5 * value * (1 + erf(value / Math.SQRT2)));
}

export function erf(x: number): number {
  const a = Math.abs(x);
  if (a > 6) return Math.sign(x);
  if (a < 3) {
    // erf x = 2/√π · e^(-x²) · Σ 2ⁿ x^(2n+1) / (1·3·…·(2n+1)): all terms positive, no cancellation.
    let term = a;
    let sum = a;
    for (let n = 1; term > sum * 1e-17; n++) {
      term *= (2 * a * a) / (2 * n + 1);
      sum += term;
    }
    return Math.sign(x) * (2 / Math.sqrt(Math.PI)) * Math.exp(-a * a) * sum;
  }
  let fraction = 0;
  for (let n = 60; n > 0; n--) fraction = n / 2 / (a + fraction);
  return Math.sign(x) * (1 - Math.exp(-a * a) / (Math.sqrt(Math.PI) * (a + fraction)));
}
