/**
 * How much slower is WebAssembly than the native addon, and how far are its vectors from the native ones? Both backends
 * embed the same token ids of the shipped MiniLM with one worker of the same number of threads, taking turns; `--rounds
 * N`, by default 5. Ratios are medians over the rounds.
 */
import { readFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { openOnnxBackend } from '@kimera/backend-onnx';
import { openWasmBackend } from '@kimera/backend-wasm';
import { cosine, maxAbsDifference, tokenBatch, type InferenceBackend, type TokenBatch } from '@kimera/core';
import { openModelFolder } from '@kimera/model-folder';
import { z } from 'zod';
import { machineLines, percentile, root, table } from './machine.js';

const {
  values: { rounds = '5' },
} = parseArgs({ options: { rounds: { type: 'string' } } });
const folder = await openModelFolder(join(root, 'models/all-MiniLM-L6-v2'));
const { cases } = z
  .object({ cases: z.array(z.object({ input_ids: z.array(z.int()) })) })
  .parse(JSON.parse(await readFile(join(root, 'fixtures/minilm/expected.json'), 'utf8')));
const shapes: readonly (readonly [string, TokenBatch])[] = [
  ['one text of 12 tokens', tokenBatch([new Int32Array(12).fill(2003)])],
  ['32 texts of 75 tokens', tokenBatch(Array.from({ length: 32 }, (_, i) => new Int32Array(75).fill(2003 + i)))],
  ['8 texts of 256 tokens', tokenBatch(Array.from({ length: 8 }, (_, i) => new Int32Array(256).fill(2003 + i)))],
];

async function timed<Result>(work: () => Promise<Result>): Promise<readonly [Result, number]> {
  const started = performance.now();
  const result = await work();
  return [result, performance.now() - started];
}
const dense = async (backend: InferenceBackend, batch: TokenBatch): Promise<Float32Array> =>
  (await backend.run(batch, { heads: ['dense'] })).dense ?? new Float32Array();

console.log(`# WebAssembly beside the native addon\n\n${machineLines().join('\n')}\n`);
for (const threads of new Set([1, availableParallelism()])) {
  const [native, nativeOpen] = await timed(() => openOnnxBackend({ folder, intraOpThreads: threads }));
  const [wasm, wasmOpen] = await timed(() => openWasmBackend({ folder, threads }));
  const rows: (readonly (string | number)[])[] = [];
  for (const [name, batch] of shapes) {
    await Promise.all([dense(native, batch), dense(wasm, batch)]);
    const times: (readonly [number, number])[] = [];
    for (let round = 0; round < Number(rounds); round++)
      times.push([(await timed(() => dense(native, batch)))[1], (await timed(() => dense(wasm, batch)))[1]]);
    const median = (values: readonly number[]): number => percentile(values, 0.5);
    rows.push([
      name,
      median(times.map(([ours]) => ours)).toFixed(1),
      median(times.map(([, theirs]) => theirs)).toFixed(1),
      median(times.map(([ours, theirs]) => theirs / ours)).toFixed(1),
    ]);
  }
  const texts = tokenBatch(cases.map(({ input_ids }) => input_ids));
  const [expected, actual] = [await dense(native, texts), await dense(wasm, texts)];
  const { dimension } = folder.space;
  const row = (vectors: Float32Array, i: number): Float32Array => vectors.subarray(i * dimension, (i + 1) * dimension);
  const worst = Math.min(...cases.map((_, i) => cosine(row(actual, i), row(expected, i))));
  console.log(
    `## ${threads} thread${threads === 1 ? '' : 's'}\n\n${table(['what', 'native ms', 'WebAssembly ms', 'WebAssembly ÷ native'], rows)}\n`,
  );
  console.log(
    `Opening, probes included: native ${nativeOpen.toFixed(0)} ms, WebAssembly ${wasmOpen.toFixed(0)} ms. Over ${cases.length} texts: least cosine ${worst.toFixed(9)}, largest difference ${maxAbsDifference(actual, expected).toExponential(1)}.\n`,
  );
  await Promise.all([native.close(), wasm.close()]);
}
