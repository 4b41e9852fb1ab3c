import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { EigenConvergenceError } from './errors.js';
import { symmetricEigen } from './symmetric-eigen.js';

const size = fc.integer({ min: 1, max: 16 });
const symmetric = size
  .chain((n) =>
    fc.tuple(
      fc.constant(n),
      fc.array(fc.double({ min: -10, max: 10, noNaN: true }), { minLength: n * n, maxLength: n * n }),
    ),
  )
  .map(([n, values]) => {
    const matrix = new Float64Array(n * n);
    for (let i = 0; i < n; i++)
      for (let j = 0; j <= i; j++) matrix[i * n + j] = matrix[j * n + i] = values[i * n + j] ?? 0;
    return { n, matrix };
  });
const at = (values: Float64Array, i: number): number => values[i] ?? Number.NaN;

describe('symmetric eigenvectors', () => {
  it('are orthonormal, turn the matrix into its values, and these fall', () => {
    const exponent = fc.oneof(fc.constant(0), fc.integer({ min: -300, max: 300 }));
    fc.assert(
      fc.property(symmetric, exponent, ({ n, matrix: ordinary }, power) => {
        const matrix = ordinary.map((value) => value * 10 ** power);
        const { values, vectors } = symmetricEigen(matrix, n);
        let [unorthogonal, residual] = [0, 0];
        for (let k = 0; k < n; k++) {
          for (let i = 0; i < n; i++) {
            let [product, turned] = [0, 0];
            for (let j = 0; j < n; j++) {
              product += at(vectors, k * n + j) * at(vectors, i * n + j);
              turned += at(matrix, i * n + j) * at(vectors, k * n + j);
            }
            unorthogonal = Math.max(unorthogonal, Math.abs(product - (k === i ? 1 : 0)));
            residual = Math.max(residual, Math.abs(turned - at(values, k) * at(vectors, k * n + i)));
          }
        }
        expect(unorthogonal).toBeLessThan(1e-10);
        expect(residual).toBeLessThanOrEqual(1e-8 * 10 ** power);
        expect([...values]).toEqual([...values].sort((a, b) => b - a));
      }),
      { numRuns: 60 },
    );
  });

  it('of a matrix that can be solved in the head', () => {
    const { values, vectors } = symmetricEigen(Float64Array.of(2, 1, 1, 2), 2);
    expect([...values].map((value) => value.toFixed(12))).toEqual(['3.000000000000', '1.000000000000']);
    expect([...vectors].map((value) => Math.abs(value).toFixed(12))).toEqual(
      Array.from({ length: 4 }, () => Math.SQRT1_2.toFixed(12)),
    );
    expect([...symmetricEigen(Float64Array.of(1, 0, 0, 0, 3, 0, 0, 0, 2), 3).values]).toEqual([3, 2, 1]);
    expect(symmetricEigen(new Float64Array(16), 4)).toMatchObject({ values: new Float64Array(4) });
    expect(Math.hypot(...symmetricEigen(Float64Array.of(0, 5e-324, 5e-324, 0), 2).vectors.subarray(0, 2))).toBeCloseTo(
      1,
      12,
    );
  });

  it('of a matrix that is not finite are refused', () => {
    expect(() => symmetricEigen(Float64Array.of(1, Infinity, 0, Infinity, 1, 1, 0, 1, 2), 3)).toThrow(
      EigenConvergenceError,
    );
    expect(() => symmetricEigen(Float64Array.of(1, Number.NaN, Number.NaN, 1), 2)).toThrow(
      expect.objectContaining({ code: 'EIGEN_CONVERGENCE' }),
    );
  });
});
