import { readFile } from 'node:fs/promises';
import { expect, it } from '@jest/globals';
import fc from 'fast-check';
import wabt from 'wabt';
import { linear, PRODUCTS_WASM } from './linear.js';

/** The definition. */
function product(x: Float64Array, tokens: number, weight: Float32Array, bias: Float32Array): readonly number[] {
  const k = weight.length / bias.length;
  return Array.from({ length: tokens }, (_, t) =>
    Array.from(bias, (start, j) =>
      Array.from({ length: k }).reduce(
        (sum: number, _none, i) => sum + (x[t * k + i] as number) * (weight[j * k + i] as number),
        start,
      ),
    ),
  ).flat();
}

it('is the product, for any shape, in any slices', async () => {
  const size = fc.integer({ min: 1, max: 70 });
  await fc.assert(
    fc.asyncProperty(size, size, size, size, fc.integer(), async (tokens, k, n, rows, seed) => {
      let state = seed | 1;
      const next = (): number => (state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0) / 2 ** 31;
      const x = Float64Array.from({ length: tokens * k }, next);
      const weight = Float32Array.from({ length: n * k }, next);
      const bias = Float32Array.from({ length: n }, next);
      const slices = Array.from({ length: Math.ceil(n / rows) }, (_, i) =>
        weight.subarray(i * rows * k, (i + 1) * rows * k),
      );
      const actual = await linear(x, tokens, slices, bias);
      const expected = product(x, tokens, weight, bias);
      expect(actual.length).toBe(expected.length);
      // 70 terms of at most 1, each rounded to float64.
      expect(expected.every((value, i) => Math.abs(value - (actual[i] as number)) <= 70 * Number.EPSILON * k)).toBe(
        true,
      );
    }),
    { numRuns: 200 },
  );
});

it('takes a matrix of more weights than one call of the kernel has', async () => {
  const [tokens, k, n] = [67, 1_025, 601];
  const x = Float64Array.from({ length: tokens * k }, (_, i) => (i % 13) - 6);
  const weight = Float32Array.from({ length: n * k }, (_, i) => (i % 11) - 5);
  const bias = Float32Array.from({ length: n }, (_, i) => i);
  expect([...(await linear(x, tokens, [weight], bias))]).toEqual(product(x, tokens, weight, bias));
});

it('hands a number that is not finite on', async () => {
  expect([
    ...(await linear(Float64Array.of(1, 2, 1, 2), 2, [Float32Array.of(NaN, 1, 1, 1)], Float32Array.of(0, 0))),
  ]).toEqual([NaN, 3, NaN, 3]);
});

it('runs the module that products.wat says', async () => {
  expect(PRODUCTS_WASM).toBe(await compileWat(new URL('./products.wat', import.meta.url)));
});

/** The text form of WebAssembly as a module, in base64. */
async function compileWat(path: URL): Promise<string> {
  const compiler = await wabt();
  const module = compiler.parseWat(path.pathname, await readFile(path, 'utf8'));
  module.validate();
  return Buffer.from(module.toBinary({}).buffer).toString('base64');
}
