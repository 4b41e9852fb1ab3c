/**
 * Natural logarithm of P(Z ≤ z) for a standard normal Z; relative error of the probability below 1e-10. By the series
 * of Φ − ½ (Abramowitz & Stegun 26.2.11) around 0, by the continued fraction of the tail (26.2.14) away from it.
 */
export function logNormalProbability(z: number): number {
  if (z > 0) return Math.log1p(-Math.exp(logNormalProbability(-z)));
  const logDensity = -(z * z) / 2 - Math.log(2 * Math.PI) / 2;
  if (z > -3) {
    let [sum, term] = [0, -z];
    for (let odd = 1; term > 1e-18; odd += 2) {
      sum += term;
      term *= (z * z) / (odd + 2);
    }
    return Math.log(0.5 - Math.exp(logDensity) * sum);
  }
  let fraction = 0;
  for (let depth = 60; depth >= 1; depth--) fraction = depth / (fraction - z);
  return logDensity - Math.log(fraction - z);
}
