/** Slow, obvious float64 arithmetic on row-major arrays: the independent reference. */

/** x [T, K] · Wᵀ + b with W [N, K] → [T, N]. */
export function linear(x: Float64Array, tokens: number, weight: Float32Array, bias: Float32Array): Float64Array {
  const n = bias.length;
  const k = weight.length / n;
  const out = new Float64Array(tokens * n);
  for (let t = 0; t < tokens; t++) {
    for (let j = 0; j < n; j++) {
      let sum = bias[j] as number;
      for (let i = 0; i < k; i++) sum += (x[t * k + i] as number) * (weight[j * k + i] as number);
      out[t * n + j] = sum;
    }
  }
  return out;
}

/** Over the last axis of [T, D]. */
export function layerNorm(x: Float64Array, gain: Float32Array, bias: Float32Array, epsilon: number): Float64Array {
  const d = gain.length;
  const out = new Float64Array(x.length);
  for (let from = 0; from < x.length; from += d) {
    const row = x.subarray(from, from + d);
    const mean = row.reduce((sum, value) => sum + value, 0) / d;
    const variance = row.reduce((sum, value) => sum + (value - mean) ** 2, 0) / d;
    const scale = 1 / Math.sqrt(variance + epsilon);
    for (let i = 0; i < d; i++) out[from + i] = ((row[i] as number) - mean) * scale * (gain[i] as number) + (bias[i] as number);
  }
  return out;
}

/** Softmax(Q·Kᵀ/√d)·V per head; q, k, v [T, H·d]. */
export function attention(q: Float64Array, k: Float64Array, v: Float64Array, tokens: number, heads: number): Float64Array {
  const width = q.length / tokens;
  const d = width / heads;
  const out = new Float64Array(q.length);
  for (let h = 0; h < heads; h++) {
    for (let t = 0; t < tokens; t++) {
      const scores = Float64Array.from({ length: tokens }, (_, s) => {
        let sum = 0;
        for (let i = 0; i < d; i++) sum += (q[t * width + h * d + i] as number) * (k[s * width + h * d + i] as number);
        return sum / Math.sqrt(d);
      });
      const largest = Math.max(...scores);
      const weights = scores.map((score) => Math.exp(score - largest));
      const total = weights.reduce((sum, weight) => sum + weight, 0);
      for (let i = 0; i < d; i++) {
        let sum = 0;
        for (let s = 0; s < tokens; s++) sum += (weights[s] as number) * (v[s * width + h * d + i] as number);
        out[t * width + h * d + i] = sum / total;
      }
    }
  }
  return out;
}

export function add(a: Float64Array, b: Float64Array): Float64Array {
  return a.map((value, i) => value + (b[i] as number));
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
