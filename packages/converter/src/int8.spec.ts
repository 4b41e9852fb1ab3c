import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { maxAbsDifference, tokenBatch } from '@kimera/core';
import type { ModelFolder } from '@kimera/model-folder';
import fc from 'fast-check';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { OnnxGraph, OPSET } from '@kimera/onnx-file';
import { convertCheckpoint } from './convert-checkpoint.js';
import {
  checkpoints,
  feedsOf,
  fewCalibrationTexts,
  openPlainBackend,
  productsSaturate,
  root,
} from './fixtures.fixture.js';
import { FidelityError } from './index.js';
import { verifyModel } from './verify-model.js';
import type { Int8Options } from './int8/add-int8-variant.js';
import { addMatrix } from './int8/add-matrix.js';
import { compensation } from './int8/compensate-rounding.js';
import { blockWidths, type InputStatistics, COVARIANCE_BLOCK } from './int8/input-statistics.js';
import { int8Kernel, integerProduct } from './int8/int8-kernel.js';
import { int8Matrix } from './int8/int8-matrix.js';
import { columnMaxima, quantizeMatrix } from './int8/quantize-matrix.js';
import { selfTestGraph } from './int8/self-test-graph.js';
import { smoothingFactors } from './int8/smoothing.js';
import { writeWeightFile } from './weights/copy-weights.js';

let scratch = '';
let few = '';
beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'kimera-int8-'));
  few = await fewCalibrationTexts(scratch);
  await mkdir(join(scratch, 'onnx'));
});
afterAll(() => rm(scratch, { recursive: true, force: true }));

/** Independent inputs between `low` and `high`. @param deviation as a share of that. */
function statisticsOf(low: Float32Array, high: Float32Array, deviation = 0.3): InputStatistics {
  const covariances = blockWidths(low.length).map((width) => new Float64Array(width * width));
  low.forEach((value, i) => {
    const block = covariances[Math.floor(i / COVARIANCE_BLOCK)] ?? new Float64Array();
    const width = Math.sqrt(block.length);
    block[(i % COVARIANCE_BLOCK) * (width + 1)] = (((high[i] ?? 0) - value) * deviation) ** 2;
  });
  return { low, high, mean: Float64Array.from(low, (value, i) => (value + (high[i] ?? 0)) / 2), covariances };
}

const float = fc.float({ noNaN: true, noDefaultInfinity: true, min: -100, max: 100 });

describe('a quantised matrix', () => {
  it('is within half a step of the weight times its factor, transposed, whatever the numbers', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 5 }),
        fc.integer({ min: 1, max: 7 }),
        fc.infiniteStream(float),
        (outputs, inputs, numbers) => {
          const take = (count: number): Float32Array =>
            Float32Array.from({ length: count }, () => Number(numbers.next().value));
          const [weight, factors] = [take(outputs * inputs), take(inputs).map((value) => 0.5 + Math.abs(value) / 50)];
          const quantized = quantizeMatrix(weight, outputs, factors);
          for (let o = 0; o < outputs; o++) {
            const scale = quantized.scales[o] ?? 0;
            for (let i = 0; i < inputs; i++) {
              const level = quantized.levels[i * outputs + o] ?? 0;
              expect(Math.abs(level)).toBeLessThanOrEqual(127);
              expect(Math.abs(level * scale - (weight[o * inputs + i] ?? 0) * (factors[i] ?? 0))).toBeLessThanOrEqual(
                scale * 0.5001,
              );
            }
          }
        },
      ),
    );
  });

  it('has the largest magnitude of each input', () => {
    expect([...columnMaxima(Float32Array.of(1, -2, -3, 0.5), 2)]).toEqual([3, 2]);
  });
});

describe('the largest input channels of a matrix', () => {
  const INPUTS = 200;
  const OUTPUTS = 3;
  const weight = Float32Array.from({ length: INPUTS * OUTPUTS }, (_, at) => Math.sin(1 + at * 1.7));
  /** 50 in every twentieth channel, 1 in the others. */
  const activations = Float32Array.from({ length: INPUTS }, (_, i) => (i % 20 === 3 ? 50 - i / 100 : 1));
  const statistics = statisticsOf(
    activations.map((value) => -value),
    activations,
  );
  const uses = { isNormed: true, staticSteps: false, floatChannels: true };

  it('are in float32 as they are, at most 8, and nothing of them is in the 8 bits', () => {
    const { channels, channelWeights, smoothing, levels } = int8Matrix(weight, OUTPUTS, statistics, uses);
    expect(channels).toEqual([3, 23, 43, 63, 83, 103, 123, 143]);
    channels.forEach((channel, row) => {
      for (let o = 0; o < OUTPUTS; o++) {
        expect(channelWeights[row * OUTPUTS + o]).toBe(weight[o * INPUTS + channel]);
        expect(levels[channel * OUTPUTS + o]).toBe(0);
      }
      expect(smoothing?.[channel]).toBe(0);
    });
    expect(Array.from(smoothing ?? []).filter((factor) => factor === 0)).toHaveLength(channels.length);
  });

  it('are one in 16 where there are few, and none where it does not help or nothing was measured', () => {
    const of = (inputs: number, isMeasured = true, floatChannels = true) => {
      const measured = activations.slice(0, inputs);
      return int8Matrix(
        weight.slice(0, inputs * OUTPUTS),
        OUTPUTS,
        isMeasured ? statisticsOf(measured, measured) : undefined,
        { isNormed: false, staticSteps: false, floatChannels },
      );
    };
    expect(of(64).channels).toEqual([3, 23, 43, 63]);
    expect(of(15).channels).toEqual([]);
    expect(of(64, false).channels).toEqual([]);
    expect(of(64, true, false).channels).toEqual([]);
    expect(of(64).smoothing).toBeUndefined();
  });

  it.each(['qkv', 'up', 'down'])(
    'are added to the product of 8 bits, and leave the others their fine steps: %s',
    async (kind) => {
      const [HIDDEN, ROWS] = [64, 5];
      const name = kind === 'qkv' ? 'layers.0.attention.qkv.weight' : `layers.0.${kind}.weight`;
      const outputs = kind === 'qkv' ? 3 * HIDDEN : HIDDEN;
      // The inputs of the last product are not scaled, so a large one makes the steps of its row coarse.
      const large = kind === 'down' ? 100 : 1_000;
      const matrix = Float32Array.from(
        { length: outputs * HIDDEN },
        (_, at) => Math.sin(3 + at * 2.3) * (at % HIDDEN === 7 ? 8 : 1 / 8),
      );
      const bias = Float32Array.from({ length: outputs }, (_, o) => Math.cos(o));
      // GELU is nowhere below -0.17.
      const x = Float32Array.from({ length: ROWS * HIDDEN }, (_, at) => Math.abs(Math.sin(at * at)) - 0.17);
      for (let row = 0; row < ROWS; row++) x[row * HIDDEN + 7] = large + row;
      const measured = new Float32Array(HIDDEN).fill(1);
      measured[7] = large + ROWS;
      const file = await writeWeightFile(scratch, `${kind}.data`, 0, {}, (weights) =>
        addMatrix(weights, {
          name,
          weight: matrix,
          outputs,
          bias: kind === 'qkv' ? undefined : bias,
          // Nearly always the same: static steps are too coarse for what little they change.
          statistics: statisticsOf(
            measured.map((value) => -value),
            measured,
            1e-4,
          ),
          shift: kind === 'down' ? 0.17 : 0,
        }),
      );
      for (const sign of (await productsSaturate()) ? (['unsigned'] as const) : (['signed', 'unsigned'] as const)) {
        const graph = new OnnxGraph();
        const kernel = int8Kernel(file, file, { hiddenSize: HIDDEN, activation: 'gelu' }, sign);
        const input = graph.input('x', 'float', ['rows', HIDDEN]);
        const product =
          kind === 'qkv'
            ? graph.node('Concat', kernel.project(graph, input, 'layers.0'), { axis: 1 })
            : kernel.multiply(graph, input, name);
        graph.output(product, 'product', 'float', ['rows', outputs]);
        const path = join(scratch, 'onnx', `${kind}-${sign}.onnx`);
        await writeFile(path, graph.serialize('product', OPSET));
        const session = await InferenceSession.create(path);
        const { product: actual } = await session.run({ x: new Tensor('float32', x, [ROWS, HIDDEN]) });
        await session.release();
        const exact = Array.from({ length: ROWS * outputs }, (_, at) => {
          const [row, o] = [Math.floor(at / outputs), at % outputs];
          return Array.from(
            { length: HIDDEN },
            (_unused, i) => (x[row * HIDDEN + i] ?? 0) * (matrix[o * HIDDEN + i] ?? 0),
          ).reduce((sum, value) => sum + value, kind === 'qkv' ? 0 : (bias[o] ?? 0));
        });
        expect(maxAbsDifference(exact, actual?.data as Float32Array)).toBeLessThan(kind === 'down' ? 0.5 : 0.03);
      }
    },
  );
});

describe('static steps', () => {
  const [HIDDEN, ROWS] = [64, 6];

  const outputs = 3 * HIDDEN;
  const matrix = Float32Array.from({ length: outputs * HIDDEN }, (_, at) => Math.sin(3 + at * 2.3) / 8);
  const bias = Float32Array.from({ length: outputs }, (_, o) => Math.cos(o));
  const size = (i: number): number => 1 + (i % 7);
  const middle = (i: number): number => (i === 5 ? 40 : Math.sin(i));
  const ofEach = (of: (i: number) => number): Float32Array => Float32Array.from({ length: HIDDEN }, (_, i) => of(i));
  const statistics = statisticsOf(
    ofEach((i) => middle(i) - size(i)),
    ofEach((i) => middle(i) + size(i)),
  );

  it('give the product, whatever the middle of a channel and its size', async () => {
    const name = 'layers.0.up.weight';
    const x = Float32Array.from({ length: ROWS * HIDDEN }, (_, at) => {
      const i = at % HIDDEN;
      return middle(i) + size(i) * Math.sin(at * at);
    });
    const file = await writeWeightFile(scratch, 'static.data', 0, {}, (weights) =>
      addMatrix(weights, { name, weight: matrix, outputs, bias, statistics, shift: 0 }),
    );
    const run = async (sign: 'signed' | 'unsigned', rows: Float32Array): Promise<Float32Array> => {
      const graph = new OnnxGraph();
      const kernel = int8Kernel(file, file, { hiddenSize: HIDDEN, activation: 'gelu' }, sign);
      const product = kernel.multiply(graph, graph.input('x', 'float', ['rows', HIDDEN]), name);
      graph.output(product, 'product', 'float', ['rows', outputs]);
      const path = join(scratch, 'onnx', `static-${sign}.onnx`);
      await writeFile(path, graph.serialize('product', OPSET));
      const session = await InferenceSession.create(path);
      const { product: actual } = await session.run({
        x: new Tensor('float32', rows, [rows.length / HIDDEN, HIDDEN]),
      });
      await session.release();
      return actual?.data as Float32Array;
    };
    const exact = Array.from({ length: ROWS * outputs }, (_, at) => {
      const [row, o] = [Math.floor(at / outputs), at % outputs];
      return Array.from(
        { length: HIDDEN },
        (_unused, i) => (x[row * HIDDEN + i] ?? 0) * (matrix[o * HIDDEN + i] ?? 0),
      ).reduce((sum, value) => sum + value, bias[o] ?? 0);
    });
    for (const sign of (await productsSaturate()) ? (['unsigned'] as const) : (['signed', 'unsigned'] as const)) {
      const together = await run(sign, x);
      expect(maxAbsDifference(exact, together)).toBeLessThan(0.1);
      // A row is the same whatever stands beside it.
      const alone = await run(sign, x.slice(HIDDEN, 2 * HIDDEN));
      expect([...alone]).toEqual([...together.slice(outputs, 2 * outputs)]);
      // What is beyond all that was measured is cut off, but for the largest channels, which are in float32: twice as far
      // gives the same.
      const beyond = (by: number): Float32Array =>
        ofEach((i) => middle(i) + (size(i) === 7 ? 0 : by * size(i) * (i % 2 === 0 ? 1 : -1)));
      expect([...(await run(sign, beyond(2_000)))]).toEqual([...(await run(sign, beyond(1_000)))]);
    }
  });

  it('are taken where they are fine enough for what the inputs change, and only behind a LayerNorm', () => {
    const uses = { isNormed: true, staticSteps: true, floatChannels: true };
    const isStatic = (measured: InputStatistics, of = uses): boolean =>
      int8Matrix(matrix, outputs, measured, of).offset !== undefined;
    expect(isStatic(statistics)).toBe(true);
    expect(isStatic(statistics, { ...uses, staticSteps: false })).toBe(false);
    const rare = statisticsOf(statistics.low, statistics.high, 0.01);
    expect(isStatic(rare)).toBe(false);
    const fewTokens = { ...statistics, covariances: [] };
    expect(isStatic(fewTokens)).toBe(false);
  });

  it('are not taken where inputs never change, and every number of the matrix is finite', () => {
    const same = ofEach((i) => Math.sin(i));
    const uses = { isNormed: true, staticSteps: true, floatChannels: true };
    const { offset, correction, scales, smoothing } = int8Matrix(matrix, outputs, statisticsOf(same, same), uses);
    expect(offset).toBeUndefined();
    expect([...correction, ...scales, ...(smoothing ?? [])].every(Number.isFinite)).toBe(true);
  });
});

describe('rounding with compensation', () => {
  const width = 12;
  const numbers = fc.array(fc.double({ min: -1, max: 1, noNaN: true }), {
    minLength: 3 * width,
    maxLength: 20 * width,
  });
  const moments = (values: readonly number[]): Float64Array => {
    const rows = Math.floor(values.length / width);
    return Float64Array.from({ length: width * width }, (_, at) => {
      const [i, j] = [Math.floor(at / width), at % width];
      let sum = 0;
      for (let row = 0; row < rows; row++) sum += (values[row * width + i] ?? 0) * (values[row * width + j] ?? 0);
      return sum;
    });
  };
  /** How much of the products' energy is lost over the tokens: e·M·eᵀ, summed over the outputs. */
  const loss = (weight: Float32Array, outputs: number, block: Float64Array, known: readonly Float64Array[]): number => {
    const { levels, scales } = quantizeMatrix(weight, outputs, new Float32Array(width).fill(1), known);
    let sum = 0;
    for (let o = 0; o < outputs; o++) {
      const error = (i: number): number =>
        (weight[o * width + i] ?? 0) - (levels[i * outputs + o] ?? 0) * (scales[o] ?? 0);
      for (let i = 0; i < width; i++)
        for (let j = 0; j < width; j++) sum += error(i) * (block[i * width + j] ?? 0) * error(j);
    }
    return sum;
  };

  it('has the triangle of the inverse of the damped covariances', () => {
    fc.assert(
      fc.property(numbers, (values) => {
        const block = moments(values);
        const { order, upper } = compensation(block, new Float32Array(width).fill(1));
        const mean =
          Array.from({ length: width }, (_, i) => block[i * (width + 1)] ?? 0).reduce((a, b) => a + b, 0) / width;
        const damping = mean > 0 ? 0.01 * mean : 1;
        const at = (i: number, j: number): number => upper[i * width + j] ?? 0;
        for (let i = 0; i < width; i++)
          for (let j = 0; j < width; j++) {
            // UᵀU · M is 1.
            let product = 0;
            for (let k = 0; k < width; k++) {
              let inverse = 0;
              for (let l = 0; l < width; l++) inverse += at(l, i) * at(l, k);
              const moment = block[(order[k] ?? 0) * width + (order[j] ?? 0)] ?? 0;
              product += inverse * (moment + (k === j ? damping : 0));
            }
            if (i > j) expect(at(i, j)).toBe(0);
            expect(product).toBeCloseTo(i === j ? 1 : 0, 6);
          }
      }),
    );
  });

  it('is found where measured covariances are not those of any inputs: negative, or not finite', () => {
    const ones = new Float32Array(width).fill(1);
    const weight = Float32Array.from({ length: 4 * width }, (_, at) => Math.sin(at * at + 1));
    for (const value of [-1, -1e30, Infinity, NaN]) {
      const block = Float64Array.from({ length: width * width }, (_, at) =>
        at === 0 ? value : at % (width + 1) === 0 ? 1 : 0.5,
      );
      expect(compensation(block, ones).upper.every(Number.isFinite)).toBe(true);
      const { levels, scales } = quantizeMatrix(weight, 4, ones, [block]);
      for (let o = 0; o < 4; o++)
        for (let i = 0; i < width; i++) {
          // Nowhere far from the weight, although others may be made up for.
          const error = (levels[i * 4 + o] ?? 0) * (scales[o] ?? 0) - (weight[o * width + i] ?? 0);
          expect(Math.abs(error)).toBeLessThan(10 * (scales[o] ?? 0));
        }
    }
  });

  it('loses less where channels go together, and no weight gets beyond the largest level', () => {
    let [compensated, nearest] = [0, 0];
    for (let seed = 1; seed <= 20; seed++) {
      const shared = (row: number): number => Math.sin(seed * 31 + row * 7.7);
      const block = moments(
        Array.from({ length: 50 * width }, (_, at) => shared(Math.floor(at / width)) + 0.1 * Math.cos(seed + at * at)),
      );
      const weight = Float32Array.from({ length: 4 * width }, (_, at) => Math.sin(seed * at * at + 1));
      compensated += loss(weight, 4, block, [block]);
      nearest += loss(weight, 4, block, []);
      const { levels } = quantizeMatrix(weight, 4, new Float32Array(width).fill(1), [block]);
      expect(levels.every((level) => Math.abs(level) <= 127)).toBe(true);
    }
    expect(compensated).toBeLessThan(nearest / 3);
  });

  it('rounds to the nearest level where channels have nothing to do with each other, or never change', () => {
    const weight = Float32Array.from({ length: 4 * width }, (_, at) => Math.sin(at * at + 1));
    const ones = new Float32Array(width).fill(1);
    const apart = Float64Array.from({ length: width * width }, (_, at) => (at % (width + 1) === 0 ? 1 + at : 0));
    const { levels } = quantizeMatrix(weight, 4, ones, []);
    for (const block of [apart, new Float64Array(width * width)])
      expect(quantizeMatrix(weight, 4, ones, [block]).levels).toEqual(levels);
  });
});

describe('smoothing', () => {
  it('is the root of activations over weights, to an eighth of an octave, and 1 where a channel is silent', () => {
    expect([...smoothingFactors(Float32Array.of(16, 1, 0, 5), Float32Array.of(1, 4, 3, 0), 0.5)]).toEqual([
      4, 0.5, 1, 1,
    ]);
    const [factor = 0] = smoothingFactors(Float32Array.of(3), Float32Array.of(1), 0.5);
    expect(Math.log2(factor) * 8).toBeCloseTo(Math.round(Math.log2(Math.sqrt(3)) * 8), 5);
  });
});

/** Whether products of 8 bits are exact, by the flags of an x86 processor under Linux; undefined elsewhere. */
async function hasExactProducts(): Promise<boolean | undefined> {
  if (process.platform !== 'linux' || process.arch !== 'x64') return undefined;
  return /^flags.* (avx512_vnni|avx_vnni|amx_int8)( |$)/m.test(await readFile('/proc/cpuinfo', 'utf8'));
}

it('a product of unsigned weights is exact on every processor', async () => {
  const session = await InferenceSession.create(selfTestGraph('unsigned'));
  const { holds } = await session.run({ a: new Tensor('uint8', new Uint8Array(64).fill(255), [1, 64]) });
  expect(holds?.data[0]).toBeTruthy();
  await session.release();
});

it('a product of unsigned weights is that of whole numbers, whatever they are', async () => {
  const [ROWS, INPUTS, OUTPUTS] = [3, 40, 5];
  const whole = (seed: number, count: number, from: number): number[] =>
    Array.from({ length: count }, (_, i) => from + ((seed * (i + 1) * 2_654_435_761) % 255));
  for (const [seed, zero] of [
    [1, 0],
    [7, 128],
    [1_000_003, 128],
  ] as const) {
    const [levels, weights] = [whole(seed, ROWS * INPUTS, 0), whole(seed + 1, INPUTS * OUTPUTS, -127)];
    const graph = new OnnxGraph();
    const product = integerProduct(graph, {
      levels: graph.input('levels', 'uint8', [ROWS, INPUTS]),
      zero: graph.uint8(zero),
      step: graph.float(1),
      weights: graph.int8(Int8Array.from(weights), [INPUTS, OUTPUTS]),
      scales: graph.float(1),
      sign: 'unsigned',
    });
    graph.output(product, 'product', 'float', [ROWS, OUTPUTS]);
    const session = await InferenceSession.create(graph.serialize('product', OPSET));
    const { product: actual } = await session.run({
      levels: new Tensor('uint8', Uint8Array.from(levels), [ROWS, INPUTS]),
    });
    await session.release();
    const expected = Array.from({ length: ROWS * OUTPUTS }, (_, at) => {
      const [row, output] = [Math.floor(at / OUTPUTS), at % OUTPUTS];
      return Array.from(
        { length: INPUTS },
        (_unused, i) => ((levels[row * INPUTS + i] ?? 0) - zero) * (weights[i * OUTPUTS + output] ?? 0),
      ).reduce((sum, value) => sum + value);
    });
    expect([...(actual?.data as Float32Array)]).toEqual(expected);
  }
});

it('the self-test holds where the processor has exact products, and fails where a product is not exact', async () => {
  const session = await InferenceSession.create(selfTestGraph());
  const run = async (value: number): Promise<boolean> =>
    Boolean((await session.run({ a: new Tensor('uint8', new Uint8Array(64).fill(value), [1, 64]) }))['holds']?.data[0]);
  expect([await run(255), await run(254)]).toEqual([(await hasExactProducts()) ?? (await run(255)), false]);
  await session.release();
  // What the tests of backends load.
  expect(Buffer.from(selfTestGraph()).equals(await readFile(join(root, 'fixtures/models/int8_self_test.onnx')))).toBe(
    true,
  );
});

describe('the int8 variant', () => {
  const convert = (name: string, out: string, int8: Int8Options, variant: 'fp32' | 'fp16' = 'fp32') =>
    convertCheckpoint({
      source: join(checkpoints, name),
      out: join(scratch, out),
      variant,
      modelId: name,
      openBackend: openPlainBackend,
      int8,
    });
  const noFloor = { meanCosine: 0, minCosine: 0 };
  /** What only single texts can miss. */
  const aimOf = (minCosine: number) => ({ meanCosine: 0, minCosine });
  // Three conversions that several tests look at.
  let usual: Promise<ModelFolder> | undefined;
  /** With the usual calibration texts, floor and aim. */
  const usualBert = (): Promise<ModelFolder> => (usual ??= convert('bert-tiny-mean', 'usual', {}));
  let eightBit: Promise<ModelFolder> | undefined;
  /** Near enough with all matrices in 8 bits. */
  const eightBitBge = (): Promise<ModelFolder> =>
    (eightBit ??= convert('bge-m3-tiny', 'bge', { floor: noFloor, aim: aimOf(0.999), calibration: few }));
  let missing: Promise<ModelFolder> | undefined;
  /** Single texts miss its aim. */
  const missingBert = (): Promise<ModelFolder> =>
    (missing ??= convert('bert-tiny-mean', 'first-full', { floor: noFloor, aim: aimOf(1), calibration: few }));

  it('stands beside the full one, in its space, measured by head, and every line of its verification holds', async () => {
    const folder = await eightBitBge();
    const [full, int8] = folder.file.variants;
    expect([full?.name, int8?.name]).toEqual(['fp32', 'int8']);
    expect(int8?.graphs).toEqual({
      fast: 'onnx/model_int8.onnx',
      selfTest: 'onnx/int8_self_test.onnx',
      unsigned: 'onnx/model_int8_unsigned.onnx',
    });
    expect(int8?.fidelity).toMatchObject({
      texts: 120,
      heads: { sparse: { minCosine: expect.any(Number) }, colbert: { minCosine: expect.any(Number) } },
    });
    expect(int8?.fidelity.meanCosine).toBeGreaterThan(0.999);
    expect(int8?.fidelity.meanCosine).toBeLessThan(1);
    expect(int8?.fidelity.rankAgreement).toBeGreaterThan(0.9);
    const rows = await verifyModel({
      folder: folder.path,
      openBackend: openPlainBackend,
      checkpoint: join(checkpoints, 'bge-m3-tiny'),
    });
    expect(rows.filter(({ holds }) => !holds)).toEqual([]);
    expect(rows.map(({ check }) => check)).toContain('int8: probe vectors');
  });

  it('gives a text the same vector whatever stands beside it', async () => {
    const folder = await usualBert();
    const session = await InferenceSession.create(join(folder.path, 'onnx/model_int8.onnx'));
    const run = async (rows: readonly (readonly number[])[]): Promise<Float32Array> => {
      const output = await session.run(feedsOf(rows));
      return output['dense']?.data as Float32Array;
    };
    const [a, b, c, d] = [
      [2, 8, 9, 30, 3],
      [2, 100, 101, 102, 3],
      [2, 5, 5, 5, 3],
      [2, 7, 3],
    ] as const;
    const alone = (await run([a])).slice();
    for (const rows of [
      [a, b],
      [b, a, c],
      [c, b, a, a],
      [d, a, d, b, a],
    ]) {
      const together = await run(rows);
      rows.forEach((row, i) => {
        if (row === a) expect([...together.subarray(i * alone.length, (i + 1) * alone.length)]).toEqual([...alone]);
      });
    }
    await session.release();
  });

  it('is refused below its floor, with the matrix to blame, and nothing is left', async () => {
    const floor = { meanCosine: 0.999_999_9, minCosine: 0.999_999_9 };
    const refused = await convert('bert-tiny-mean', 'below', { floor, calibration: few }).catch(
      (error: unknown) => error,
    );
    expect(refused).toBeInstanceOf(FidelityError);
    expect(refused).toMatchObject({
      code: 'FIDELITY',
      head: 'dense',
      matrix: expect.stringMatching(/^layers\.\d\./),
      message: expect.stringContaining('worst matrix'),
    });
  });

  it('leaves the costliest matrices in float32 where it misses its aim, a quarter of the weights at most', async () => {
    const all = await eightBitBge();
    const some = await convert('bge-m3-tiny', 'some-full', {
      floor: noFloor,
      aim: { meanCosine: 1, minCosine: 1 },
      calibration: few,
    });
    const [before, after] = [all.file.variants[1], some.file.variants[1]];
    expect(before?.full).toBeUndefined();
    // 3 layers of 12 · 64² weights: a quarter is 9 · 64².
    const sizes = { qkv: 3, output: 1, up: 4, down: 4 };
    const kept = (after?.full ?? []).reduce(
      (sum, name) => sum + sizes[/(qkv|output|up|down)\.weight$/.exec(name)?.[1] as keyof typeof sizes],
      0,
    );
    expect(kept).toBeGreaterThan(0);
    expect(kept).toBeLessThanOrEqual(9);
    expect(after?.fidelity.meanCosine).toBeGreaterThanOrEqual(before?.fidelity.meanCosine ?? 1);
    expect(after?.fidelity.maxAbs).toBeLessThan(before?.fidelity.maxAbs ?? 0);
    expect(
      (await verifyModel({ folder: some.path, openBackend: openPlainBackend })).filter(({ holds }) => !holds),
    ).toEqual([]);
  });

  it('leaves the first matrices in float32 where only single texts miss their aim, a quarter of the weights at most', async () => {
    const some = await missingBert();
    // 2 layers of 12 · 64² weights: a quarter is 6 · 64², the first two matrices have 4, the third 4 more.
    expect(some.file.variants[1]?.full).toEqual(['layers.0.attention.output.weight', 'layers.0.attention.qkv.weight']);
  });

  it('leaves no more of the first matrices in float32 than the aim takes', async () => {
    const full = async (minCosine: number) => {
      const int8 = { floor: noFloor, aim: aimOf(minCosine), calibration: few };
      const { file } = await convert('bge-m3-tiny', `first-${minCosine}`, int8);
      return file.variants[1]?.full;
    };
    const first = ['layers.0.attention.output.weight', 'layers.0.attention.qkv.weight'];
    expect((await eightBitBge()).file.variants[1]?.full).toBeUndefined();
    expect(await full(0.9995)).toEqual(first);
    expect(await full(1)).toEqual([...first, 'layers.0.up.weight']);
  });

  it('reads what stays in full precision from the base variant’s file, but float32 from its own', async () => {
    const readsBase: Record<string, boolean> = {};
    const bytes: Record<string, number> = {};
    for (const variant of ['fp32', 'fp16'] as const) {
      const { path, file } =
        variant === 'fp32'
          ? await missingBert()
          : await convert('bert-tiny-mean', 'beside-fp16', { floor: noFloor, aim: aimOf(1), calibration: few }, 'fp16');
      expect(file.variants[1]?.full).toHaveLength(2);
      const graph = await readFile(join(path, 'onnx/model_int8_unsigned.onnx'), 'latin1');
      readsBase[variant] = graph.includes('model.onnx_data');
      bytes[variant] = file.files['onnx/model_int8.onnx_data']?.bytes ?? 0;
    }
    expect(readsBase).toEqual({ fp32: false, fp16: true });
    // The two matrices alone are 4 · 32² numbers of 4 bytes.
    expect((bytes['fp32'] ?? 0) - (bytes['fp16'] ?? 0)).toBeGreaterThan(4 * 32 ** 2 * 4);
  });

  it('names the worst of the matrices in 8 bits where keeping the first in float32 was not enough', async () => {
    const refused = await convert('bert-tiny-mean', 'not-enough', {
      floor: { meanCosine: 1, minCosine: 1 },
      aim: aimOf(1),
      calibration: few,
    }).catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(FidelityError);
    const { matrix, alone } = refused as FidelityError;
    expect(matrix).toMatch(/^layers\./);
    // Not one of the first, which are float32, and measured on the file as it was written last.
    expect(matrix).not.toMatch(/^layers\.0\.attention/);
    expect(alone).toBeGreaterThan(0.9);
  });

  it('gives the same numbers, to the bit, with unsigned weights, where both are exact', async () => {
    const folder = await usualBert();
    const { fast, unsigned = '' } = folder.file.variants[1]?.graphs ?? { fast: '' };
    const run = async (graph: string): Promise<readonly number[]> => {
      const session = await InferenceSession.create(join(folder.path, graph));
      const output = await session.run(feedsOf([[2, 8, 9, 30, 100, 101, 7, 3]]));
      await session.release();
      return [...(output['dense']?.data as Float32Array)];
    };
    const [signed, exact] = [await run(fast), await run(unsigned)];
    expect(exact).toHaveLength(folder.space.dimension);
    // Where products of signed weights saturate, the vector is another one, or no pair of products was large enough.
    if (!(await productsSaturate())) expect(exact).toEqual(signed);
  });

  it('takes the calibration texts that it is given', async () => {
    const calibration = join(scratch, 'texts.txt');
    await writeFile(calibration, 'one text\n\nanother\n');
    const own = await convert('bert-tiny-mean', 'own', { calibration });
    const data = ({ path }: { readonly path: string }): Promise<Buffer> =>
      readFile(join(path, 'onnx/model_int8.onnx_data'));
    expect((await data(own)).equals(await data(await usualBert()))).toBe(false);
    const { dense = new Float32Array() } = await (
      await openPlainBackend(own, 'int8')
    ).run(tokenBatch([[2, 8, 3]]), { heads: ['dense'] });
    expect(dense.every(Number.isFinite)).toBe(true);
  });
});
