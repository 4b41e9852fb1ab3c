import { expect, it } from '@jest/globals';
import { elementCount } from '@kimera/safetensors';
import { rejection } from '@kimera/testing';
import { NotFiniteError } from './errors.js';
import { tensorSource, type TensorFile, type TensorSource } from './tensor-source.js';

/** Two tensors of the same numbers, of 1,400,000 (rows of 700) and of one long row, that a file would give late. */
const SHAPES: Readonly<Record<string, readonly number[]>> = {
  rows: [2_000, 700],
  row: [1, 1_400_000],
  scalar: [],
  none: [0, 4],
};

function source(
  change: (values: Float32Array) => void = () => undefined,
  milliseconds = (): number => 0,
): TensorSource {
  const values = Float32Array.from({ length: 1_400_000 }, (_, i) => Math.fround(Math.sin(i)));
  change(values);
  const file: TensorFile = {
    names: Object.keys(SHAPES),
    entry: (name) => (SHAPES[name] === undefined ? undefined : { type: 'F32', shape: SHAPES[name] }),
    async bytes(_name, { from, count }, memory) {
      await new Promise((resolve) => setTimeout(resolve, milliseconds()));
      const target =
        memory !== undefined && memory.length >= 4 * count ? memory.subarray(0, 4 * count) : new Uint8Array(4 * count);
      target.set(new Uint8Array(values.buffer, 4 * from, 4 * count));
      return target;
    },
    location: () => Promise.resolve(undefined),
    close: () => Promise.resolve(),
  };
  return tensorSource(file);
}

async function sumsOf(tensors: TensorSource, name: string): Promise<readonly number[]> {
  const sums: number[] = [];
  for await (const slice of tensors.slices(name)) {
    // A slow caller: what is read ahead must not overwrite the slice that it has.
    await new Promise((resolve) => setTimeout(resolve, 2));
    sums.push(slice.reduce((sum, value, i) => sum + value * (i % 7), 0));
  }
  return sums;
}

it.each(Object.keys(SHAPES))('gives a tensor in slices of whole rows as it is: %s', async (name) => {
  const tensors = source();
  const whole = await tensors.read(name);
  expect(whole.length).toBe(elementCount(SHAPES[name] ?? []));
  let at = 0;
  for await (const slice of tensors.slices(name)) {
    expect(slice.length % elementCount((SHAPES[name] ?? []).slice(1))).toBe(0);
    expect(
      Buffer.compare(
        Buffer.from(slice.buffer, slice.byteOffset, slice.byteLength),
        Buffer.from(whole.buffer, 4 * at, slice.byteLength),
      ),
    ).toBe(0);
    at += slice.length;
  }
  expect(at).toBe(whole.length);
});

it('does not mix what is read side by side, nor what is read after a caller that stopped', async () => {
  const tensors = source();
  const expected = await sumsOf(tensors, 'rows');
  expect(expected.length).toBe(6);
  let reads = 0;
  // Its second read, which nobody awaits, ends while others use the memories.
  for await (const slice of source(
    (values) => values.fill(2),
    () => 8 * reads++,
  ).slices('rows'))
    if (slice.length > 0) break;
  expect(
    await Promise.all([
      sumsOf(tensors, 'rows'),
      sumsOf(
        source((values) => values.fill(1)),
        'rows',
      ),
      sumsOf(tensors, 'rows'),
    ]),
  ).toEqual([expected, expect.anything(), expected]);
});

it.each([
  ['rows', 1_399_999],
  ['rows', 700_000],
  ['row', 3],
])('refuses a number that is not finite, by its place: %s %i', async (name, place) => {
  const tensors = source((values) => (values[place] = -Infinity));
  const error = await rejection(() => sumsOf(tensors, name));
  expect(error).toBeInstanceOf(NotFiniteError);
  expect(error).toMatchObject({ fields: { tensor: name, index: place } });
  expect(await rejection(() => tensors.read(name))).toMatchObject({ code: 'TENSOR_NOT_FINITE' });
});
