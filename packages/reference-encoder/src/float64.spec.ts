import { expect, it } from '@jest/globals';
import { erf } from './float64.js';

it('erf: values of Abramowitz and Stegun, table 7.1', () => {
  for (const [x, value] of [
    [0, 0],
    [0.5, 0.5204998778],
    [1, 0.8427007929],
    [2, 0.995322265],
    [3, 0.9999779095],
  ] as const)
    expect(erf(x)).toBeCloseTo(value, 9);
  expect(erf(-1)).toBe(-erf(1));
});
