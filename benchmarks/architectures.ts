/**
 * How fast is each kind of encoder in the fast graph, in float32 and in 8 bits, beside its portable graph? Checkpoints of
 * a base model's size (12 layers of 768) with random weights are written and made into graphs, one after the other, in
 * `--scratch DIR`, by default the system's temporary folder (1 GB each). The graphs take turns on the same token ids in
 * one process; `--rounds N`, by default 5, architectures by name (default: all), and figures are medians. Random weights show speed, not fidelity.
 */
import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { ARCHITECTURES, encoderWeights, type Architecture } from '@kimera/converter';
import { OnnxGraph, OPSET } from '@kimera/onnx-file';
import { writeSafetensors, type Tensor as StoredTensor } from '@kimera/safetensors';
import type { Tensor } from 'onnxruntime-node';
import { fastGraph } from '../packages/converter/src/graphs/fast-graph.js';
import { floatKernel } from '../packages/converter/src/graphs/matrix-kernel.js';
import { portableGraph } from '../packages/converter/src/graphs/portable-graph.js';
import { blockWidths, type InputStatistics } from '../packages/converter/src/int8/input-statistics.js';
import { isQuantized, writeInt8 } from '../packages/converter/src/int8/write-int8.js';
import { type CheckpointModel, openCheckpointModel } from '../packages/converter/src/model/checkpoint-model.js';
import { linkWeights } from '../packages/converter/src/weights/link-weights.js';
import { fastGraphFeeds, InferenceSession, int64 } from './bare-session.js';
import { machineLines, percentile, root, table } from './machine.js';

const {
  values: { rounds = '5', scratch: parent = tmpdir() },
  positionals: only,
} = parseArgs({ options: { rounds: { type: 'string' }, scratch: { type: 'string' } }, allowPositionals: true });

const BASE = {
  hidden_size: 768,
  num_hidden_layers: 12,
  num_attention_heads: 12,
  intermediate_size: 3_072,
  vocab_size: 30_522,
  max_position_embeddings: 514,
};
/** RoBERTa and XLM-RoBERTa have CamemBERT's graphs; DistilBERT those of BERT with half the layers. */
const KINDS: readonly (readonly [modelType: string, config: Readonly<Record<string, number>>])[] = [
  ['bert', {}],
  ['camembert', { type_vocab_size: 1 }],
  ['electra', { embedding_size: 128 }],
  ['mpnet', {}],
];
const SHAPES = [
  ['1 × 16', 1, 16],
  ['4 × 64', 4, 64],
  ['1 × 384', 1, 384],
] as const;

/** Numbers between -0.05 and 0.05, norms around 1: Marsaglia's xorshift32 (2003), triple 13, 17, 5, from its name's FNV-1a. */
function randomTensor(name: string, shape: readonly number[]): StoredTensor {
  const values = new Float32Array(shape.reduce((product, size) => product * size, 1));
  let state = 0x811c9dc5;
  for (const unit of name) state = Math.imul(state ^ (unit.codePointAt(0) ?? 0), 0x01000193);
  const mean = name.endsWith('LayerNorm.weight') ? 1 : 0;
  for (let i = 0; i < values.length; i++) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    values[i] = mean + state / 2 ** 32 / 10;
  }
  return { type: 'F32', shape, bytes: new Uint8Array(values.buffer) };
}

/** A checkpoint with the small tokenizer of the goldens: token ids are made here. */
async function writeCheckpoint(folder: string, architecture: Architecture, config: object): Promise<void> {
  const { modelType } = architecture;
  await cp(join(root, 'fixtures/encoders', modelType === 'bert' ? 'bert-relu' : modelType), folder, {
    recursive: true,
    filter: (path) => !/expected\.json|model\.safetensors/.test(path),
  });
  const whole = { model_type: modelType, ...BASE, ...config };
  await writeFile(join(folder, 'config.json'), JSON.stringify(whole));
  await writeFile(
    join(folder, '1_Pooling/config.json'),
    JSON.stringify({ word_embedding_dimension: BASE.hidden_size, pooling_mode_mean_tokens: true }),
  );
  await writeFile(join(folder, 'sentence_bert_config.json'), JSON.stringify({ max_seq_length: 512 }));
  const tensors = encoderWeights(architecture, architecture.shape(whole, 'config.json')).flatMap(({ weights }) =>
    weights.map(({ sources: [name = ''], shape }) => [name, randomTensor(name, shape)] as const),
  );
  await writeFile(join(folder, 'model.safetensors'), writeSafetensors(new Map(tensors)));
}

/** The three graphs as a conversion writes them, without its measurements: fidelity is not the question here. */
async function writeGraphs(source: string, out: string): Promise<void> {
  await mkdir(join(out, 'onnx'), { recursive: true });
  const model = await openCheckpointModel(source);
  const { shape, checkpoint } = model;
  try {
    const weights = await linkWeights(model, out, 'model.onnx_data', {});
    const [portable, fast] = [new OnnxGraph(), new OnnxGraph()];
    portableGraph(portable, weights, shape);
    await writeFile(join(out, 'onnx/model.onnx'), portable.serialize('portable', OPSET));
    fastGraph(fast, weights, floatKernel(weights, shape.hiddenSize), shape, checkpoint.modules, checkpoint.heads);
    await writeFile(join(out, 'onnx/model_fast.onnx'), fast.serialize('fast', OPSET));
    await writeInt8(
      model,
      out,
      { base: { variant: 'fp32', weights }, statistics: anyStatistics(model), full: new Set() },
      {},
    );
  } finally {
    await checkpoint.tensors.close();
  }
}

/** Inputs of each matrix between -4 and 4: the graph has the operators of a measured one. */
function anyStatistics({ groups }: CheckpointModel): ReadonlyMap<string, InputStatistics> {
  return new Map(
    groups.filter(isQuantized).map(({ name, weights: [first] }) => {
      const inputs = first?.shape[1] ?? 0;
      const of = (value: number): Float32Array => new Float32Array(inputs).fill(value);
      return [
        name,
        { low: of(-4), high: of(4), mean: new Float64Array(inputs), covariances: blockWidths(inputs).map(identity) },
      ];
    }),
  );
}

const identity = (size: number): Float64Array =>
  Float64Array.from({ length: size * size }, (_, at) => (at % (size + 1) === 0 ? 1 : 0));

type Run = (ids: readonly number[], texts: number, tokens: number) => Promise<unknown>;

async function openGraph(path: string): Promise<{ readonly run: Run; readonly close: () => Promise<void> }> {
  const session = await InferenceSession.create(path);
  return {
    run: (ids, texts, tokens) => {
      const isFast = session.inputNames.includes('groups');
      const feeds = isFast ? fastGraphFeeds(ids, texts, tokens) : portableFeeds(ids, [texts, tokens]);
      return session.run(
        Object.fromEntries(Object.entries(feeds).filter(([name]) => session.inputNames.includes(name))),
      );
    },
    close: () => session.release(),
  };
}

function portableFeeds(ids: readonly number[], dims: readonly [number, number]): Record<string, Tensor> {
  const filled = (value: number): Tensor =>
    int64(
      ids.map(() => value),
      dims,
    );
  return { input_ids: int64(ids, dims), attention_mask: filled(1), token_type_ids: filled(0) };
}

async function measure(folder: string, modelType: string): Promise<readonly (readonly string[])[]> {
  const graphs = await Promise.all(
    ['model', 'model_fast', 'model_int8'].map((name) => openGraph(join(folder, `onnx/${name}.onnx`))),
  );
  const rows: string[][] = [];
  for (const [shown, texts, tokens] of SHAPES) {
    const ids = Array.from({ length: texts * tokens }, (_, i) => 100 + ((i * 7_919) % 30_000));
    for (const { run } of graphs) await run(ids, texts, tokens);
    const speeds = graphs.map((): number[] => []);
    for (let round = 0; round < Number(rounds); round++) {
      for (const [i, { run }] of graphs.entries()) {
        const started = performance.now();
        await run(ids, texts, tokens);
        speeds[i]?.push((1_000 * texts * tokens) / (performance.now() - started));
      }
    }
    const [portable = 0, fast = 0, int8 = 0] = speeds.map((values) => percentile(values, 0.5));
    rows.push([
      modelType,
      shown,
      ...[portable, fast, int8].map((speed) => speed.toFixed(0)),
      (fast / portable).toFixed(2),
      (int8 / fast).toFixed(2),
    ]);
  }
  for (const { close } of graphs) await close();
  return rows;
}

const unknown = only.filter((name) => !KINDS.some(([modelType]) => modelType === name));
if (unknown.length > 0) {
  const known = KINDS.map(([modelType]) => modelType).join(', ');
  process.stderr.write(`no architecture ${unknown.join(', ')}: there are ${known}\n`);
  process.exit(64);
}
const scratch = await mkdtemp(join(parent, 'kimera-architectures-'));
const rows: (readonly string[])[] = [];
try {
  for (const [modelType, config] of KINDS) {
    const architecture = ARCHITECTURES.find((candidate) => candidate.modelType === modelType);
    if (architecture === undefined || (only.length > 0 && !only.includes(modelType))) continue;
    const [source, out] = [join(scratch, 'checkpoint'), join(scratch, 'model')];
    await writeCheckpoint(source, architecture, config);
    await writeGraphs(source, out);
    rows.push(...(await measure(out, modelType)));
    await rm(source, { recursive: true });
    await rm(out, { recursive: true });
  }
} finally {
  await rm(scratch, { recursive: true, force: true });
}
console.log(
  `# Fast graphs beside portable ones, by architecture\n\n${machineLines().join('\n')}\n\n${table(
    ['architecture', 'texts × tokens', 'portable, tokens/s', 'fast', 'int8', 'fast ÷ portable', 'int8 ÷ fast'],
    rows,
  )}`,
);
