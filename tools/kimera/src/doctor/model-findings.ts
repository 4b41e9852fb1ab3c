import { isStaticFolder, openStaticModel } from '@kimera/backend-light';
import { KimeraError } from '@kimera/core';
import { Embedder, openEmbedder, type ModelExpectation, type ModelTest } from '@kimera/embedder';
import { backendsOf, type BackendChoice } from '@kimera/serving';
import { describeError } from '../console/describe-error.js';
import { formatBytes, formatDuration } from '../console/format.js';
import { describeSpace } from '../models/describe-space.js';
import type { Finding } from './finding.js';
import { REINSTALL } from './runtime-findings.js';

export interface ModelFindingsOptions {
  readonly path: string;
  readonly configuration: BackendChoice;
  /** What the model is taken for. */
  readonly expected: ModelExpectation;
  readonly stop: AbortSignal;
}

/** What came of one model on one backend. */
export interface TestedModel {
  readonly finding: Finding;
  /** Absent where it could not even be opened. */
  readonly test?: ModelTest;
}

/** A model folder on each backend in turn: opened, probed, and taken for what it is expected to be. */
export async function testModels({
  path,
  configuration,
  expected,
  stop,
}: ModelFindingsOptions): Promise<readonly TestedModel[]> {
  const openers: readonly (readonly [string, () => Promise<Embedder>])[] = (await isStaticFolder(path))
    ? [['static', async () => new Embedder(await openStaticModel({ path }))]]
    : backendsOf(configuration).map((backend) => [
        backend.name,
        () => openEmbedder({ modelPath: path, backends: [backend] }),
      ]);
  const tested: TestedModel[] = [];
  for (const [name, open] of openers) {
    stop.throwIfAborted();
    tested.push(await testModel(path, name, open, expected));
  }
  // A backend that does not open where another does takes nothing away.
  const serves = openers.find((_, i) => tested[i]?.test?.holds === true)?.[0];
  if (serves === undefined) return tested;
  return tested.map(({ test, finding }) =>
    test === undefined
      ? { finding: { ...finding, state: 'note', advice: `${serves} serves this model instead` } }
      : { test, finding },
  );
}

async function testModel(
  path: string,
  backend: string,
  open: () => Promise<Embedder>,
  expected: ModelExpectation,
): Promise<TestedModel> {
  const what = `${path} on ${backend}`;
  const [started, before] = [performance.now(), process.memoryUsage.rss()];
  let embedder: Embedder;
  try {
    embedder = await open();
  } catch (error) {
    return {
      finding: { area: 'model', what, state: 'problem', value: describeError(error).message, advice: adviceOn(error) },
    };
  }
  try {
    const test = await embedder.testModel(expected);
    const memory = formatBytes(Math.max(0, process.memoryUsage.rss() - before));
    const figures = `${test.modelId}, ${describe(test)}; opened and probed in ${formatDuration(performance.now() - started)}, ${memory} more memory; ${await describeSpace(path, embedder.space)}`;
    const wrong = [
      ...test.expectations
        .filter(({ holds }) => !holds)
        .map(({ what: field, expected: wanted, actual }) => `${field} is ${actual}, expected ${wanted}`),
      ...test.probes
        .filter(({ holds }) => !holds)
        .map(
          ({ text, cosine, tokensEqual }) =>
            `probe ${JSON.stringify(text.slice(0, 40))}: cosine ${cosine.toFixed(6)}${tokensEqual ? '' : ', other tokens'}`,
        ),
    ];
    return {
      test,
      finding: {
        area: 'model',
        what,
        state: test.holds ? 'fine' : 'problem',
        value: figures,
        ...(wrong.length === 0 ? {} : { advice: wrong.join('; ') }),
      },
    };
  } catch (error) {
    return { finding: { area: 'model', what, state: 'problem', value: describeError(error).message } };
  } finally {
    await embedder.close();
  }
}

/** What to do about a model that does not open. */
function adviceOn(error: unknown): string {
  const code = error instanceof KimeraError ? error.code : '';
  if (code === 'MODEL_FOLDER_NOT_FOUND' || code === 'NOT_A_STATIC_MODEL')
    return 'name a model folder with --model or ONNX_MODEL_PATH; "kimera models list" shows those at hand';
  if (code === 'NATIVE_RUNTIME') return `${REINSTALL}; WebAssembly serves the same space (USE_ONNX=0)`;
  if (code === 'WASM_MEMORY') return 'use the native backend, or convert an int8 variant';
  return '"kimera models verify" says which file is wrong; for an execution provider see docs/execution-providers.md';
}

function describe({ dimension, maxTokens, heads, variant, probes }: ModelTest): string {
  // Never rounded up.
  const worst = Math.floor(Math.min(...probes.map(({ cosine }) => cosine)) * 1e6) / 1e6;
  const probed = probes.length === 0 ? 'no probes' : `${probes.length} probes, cosine ≥ ${worst.toFixed(6)}`;
  return `${dimension} numbers, ${maxTokens} tokens, ${heads.join(' + ')}, ${variant}, ${probed}`;
}
