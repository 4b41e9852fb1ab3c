import { expect, it } from '@jest/globals';
import { fromHalf } from '@kimera/safetensors';
import { BlockSizeError } from '../errors.js';
import { bytesPerWeight, eightBitBlock, encodeRows, weightLayout } from './weight-form.js';

it.each([
  [384, 32],
  [312, 26],
  [100, 25],
  [36, 18],
  [37, undefined],
  [14, 14],
  [4, undefined],
])('rows of %i numbers are cut into 8-bit blocks of %s', (columns, block) => {
  expect(eightBitBlock(columns)).toBe(block);
});

it('rows of 312 numbers: levels and scales have the sizes of the layout and give the numbers back', () => {
  const columns = 312;
  const values = Float32Array.from({ length: 2 * columns }, (_, i) => Math.sin(i) * 2 ** (i % 7));
  const layout = weightLayout('int8', 'table', columns);
  const [levels, scales] = encodeRows('int8', 'table', values, 0, columns);
  expect([levels?.length, scales?.length]).toEqual(layout.map(({ rowBytes }) => 2 * rowBytes));
  expect(bytesPerWeight('int8', columns) * columns).toBeCloseTo(
    layout.reduce((sum, { rowBytes }) => sum + rowBytes, 0),
  );
  const signed = new Int8Array(levels?.buffer ?? new ArrayBuffer());
  const halves = new Uint16Array(scales?.buffer ?? new ArrayBuffer());
  values.forEach((value, i) => {
    const scale = fromHalf(halves[Math.floor(i / 26)] ?? 0);
    expect(Math.abs((signed[i] ?? 0) * scale - value)).toBeLessThan(scale * 0.6);
  });
});

it('the 4-bit form takes whole blocks of 32 alone', () => {
  expect(() => weightLayout('q4', 'embeddings.word', 312)).toThrow(BlockSizeError);
  expect(() => weightLayout('q4', 'embeddings.word', 312)).toThrow('312 numbers, which are not whole blocks of 32');
});
