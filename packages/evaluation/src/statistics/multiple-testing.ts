import { SettingRangeError } from '../errors.js';

/**
 * Adjusted p-values in the order given: below α, the family-wise error rate is at most α (Holm 1979). @throws
 * SettingRangeError.
 */
export function holm(values: readonly number[]): readonly number[] {
  const order = ascending(values);
  const adjusted = new Array<number>(values.length).fill(1);
  let largest = 0;
  order.forEach((item, rank) => {
    largest = Math.max(largest, Math.min(1, (values.length - rank) * (values[item] as number)));
    adjusted[item] = largest;
  });
  return adjusted;
}

/**
 * Adjusted p-values in the order given: below α, the share of false discoveries is at most α (Benjamini & Hochberg
 * 1995). @throws SettingRangeError.
 */
export function benjaminiHochberg(values: readonly number[]): readonly number[] {
  const order = ascending(values);
  const adjusted = new Array<number>(values.length).fill(1);
  let smallest = 1;
  for (let rank = order.length; rank >= 1; rank--) {
    const item = order[rank - 1] as number;
    smallest = Math.min(smallest, ((values[item] as number) * values.length) / rank);
    adjusted[item] = smallest;
  }
  return adjusted;
}

function ascending(values: readonly number[]): readonly number[] {
  for (const value of values)
    if (!(value >= 0 && value <= 1)) throw new SettingRangeError('p-value', 'from 0 to 1', value);
  return values.map((_, i) => i).sort((a, b) => (values[a] as number) - (values[b] as number));
}
