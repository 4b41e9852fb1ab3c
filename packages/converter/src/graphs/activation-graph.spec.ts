import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { OnnxGraph, OPSET } from '@kimera/onnx-file';
import { ACTIVATION_NAMES, FEED_FORWARD_ACTIVATIONS } from '@kimera/reference-encoder';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { root } from '../fixtures.fixture.js';
import { inputShift } from '../int8/int8-kernel.js';
import { FEED_FORWARD_GRAPHS } from './activation-graph.js';

/** Every activation of ACT2FN without weights, in float64 by the original library. */
const { x, y } = JSON.parse(readFileSync(join(root, 'fixtures/encoders/activations.json'), 'utf8')) as {
  readonly x: readonly number[];
  readonly y: Readonly<Record<string, readonly number[]>>;
};

/** Largest difference, relative to numbers above 1. */
const difference = (actual: ArrayLike<number>, expected: readonly number[]): number =>
  Math.max(...expected.map((value, i) => Math.abs((actual[i] ?? NaN) - value) / Math.max(1, Math.abs(value))));

it('the names are those of the original library', () => {
  expect([...ACTIVATION_NAMES.keys()].sort()).toEqual(Object.keys(y).sort());
});

describe.each(Object.keys(y))('%s', (name) => {
  const activation = ACTIVATION_NAMES.get(name) ?? 'linear';
  let session: InferenceSession;
  beforeAll(async () => {
    const graph = new OnnxGraph();
    const input = graph.input('x', 'float', ['n']);
    graph.output(FEED_FORWARD_GRAPHS[activation](graph, input), 'y', 'float', ['n']);
    session = await InferenceSession.create(graph.serialize('activation', OPSET));
  });
  afterAll(() => session.release());

  it('is computed in float64 as by the original library', () => {
    // Numbers of the configuration that the original library holds in ten digits make the aliases differ by less.
    expect(difference(FEED_FORWARD_ACTIVATIONS[activation](Float64Array.from(x)), y[name] ?? [])).toBeLessThan(1e-14);
  });

  it('is computed by its graph within the rounding of float32', async () => {
    const { y: output } = await session.run({ x: new Tensor('float32', Float32Array.from(x), [x.length]) });
    expect(difference(output?.data as Float32Array, y[name] ?? [])).toBeLessThan(1e-6);
  });

  it('is nowhere below the shift that 8 bits take', () => {
    const shift = inputShift('layers.0.down.weight', activation);
    const least = Math.min(
      ...FEED_FORWARD_ACTIVATIONS[activation](Float64Array.from({ length: 40_001 }, (_, i) => (i - 20_000) / 1_000)),
    );
    if (shift === undefined) expect(least).toBeLessThan(-0.15);
    else {
      expect(least).toBeGreaterThanOrEqual(-shift);
      expect(least + shift).toBeLessThan(1e-3);
    }
  });
});
