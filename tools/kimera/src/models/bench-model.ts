import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { availableParallelism, cpus } from 'node:os';
import { openOnnxBackend } from '@kimera/backend-onnx';
import { openEmbedder, type Embedder } from '@kimera/embedder';
import { chooseVariant } from '@kimera/model-folder';
import { z } from 'zod';
import { StoppedError, UsageError } from '../errors.js';
import { parseTextLine } from '../lines/parse-text-line.js';
import { BENCH_TEXTS } from './bench-texts.js';

/** Rounds over all texts together; the median counts. */
const ROUNDS = 3;

export interface BenchModelOptions {
  readonly path: string;
  readonly variant?: string;
  /** {"text": …} lines. */
  readonly textsPath?: string;
  readonly threads?: number;
  readonly stop: AbortSignal;
}

export interface BenchResult {
  readonly modelId: string;
  readonly space: string;
  readonly variant: string;
  readonly threads: number;
  readonly machine: {
    readonly processor: string;
    readonly processors: number;
    readonly node: string;
    readonly onnxRuntime: string;
  };
  readonly loadMilliseconds: number;
  readonly texts: number;
  readonly tokens: number;
  readonly tokensPerSecond: number;
  readonly textsPerSecond: number;
  /** Milliseconds of one text alone. */
  readonly latency: { readonly p50: number; readonly p95: number };
  /** Largest resident set of the process. */
  readonly peakMemoryBytes: number;
}

/** @throws UsageError where the texts cannot be used, StoppedError, and the model's errors. */
export async function benchModel({
  path,
  variant,
  textsPath,
  threads = availableParallelism(),
  stop,
}: BenchModelOptions): Promise<BenchResult> {
  const texts = textsPath === undefined ? BENCH_TEXTS : await readTexts(textsPath);
  const started = performance.now();
  const embedder = await openEmbedder({
    modelPath: path,
    backends: [
      {
        name: 'onnx',
        open: (folder) =>
          openOnnxBackend({ folder, variant: chooseVariant(folder, variant).name, intraOpThreads: threads }),
      },
    ],
  });
  try {
    const loadMilliseconds = performance.now() - started;
    const { tokens, milliseconds } = await throughput(embedder, texts, stop);
    const latency = await latencies(embedder, texts, stop);
    return {
      modelId: embedder.space.modelId,
      space: embedder.space.fingerprint,
      variant: embedder.getPerformanceStats().variant,
      threads,
      machine: {
        processor: cpus()[0]?.model ?? 'unknown',
        processors: availableParallelism(),
        node: process.versions.node,
        onnxRuntime: onnxRuntimeVersion(),
      },
      loadMilliseconds: Math.round(loadMilliseconds),
      texts: texts.length,
      tokens,
      tokensPerSecond: Math.round((tokens * 1000) / milliseconds),
      textsPerSecond: Number(((texts.length * 1000) / milliseconds).toFixed(1)),
      latency,
      // In kilobytes (libuv, uv_getrusage).
      peakMemoryBytes: process.resourceUsage().maxRSS * 1024,
    };
  } finally {
    await embedder.close();
  }
}

async function throughput(
  embedder: Embedder,
  texts: readonly string[],
  stop: AbortSignal,
): Promise<{ readonly tokens: number; readonly milliseconds: number }> {
  const rounds: number[] = [];
  let tokens = 0;
  // The first round warms up and does not count.
  for (let round = 0; round <= ROUNDS; round++) {
    check(stop);
    const started = performance.now();
    const embeddings = await embedder.encodeBatch(texts, { lane: 'bulk' });
    if (round > 0) rounds.push(performance.now() - started);
    tokens = embeddings.reduce((sum, embedding) => sum + embedding.tokens, 0);
  }
  return { tokens, milliseconds: percentile(rounds, 0.5) };
}

async function latencies(
  embedder: Embedder,
  texts: readonly string[],
  stop: AbortSignal,
): Promise<BenchResult['latency']> {
  const times: number[] = [];
  // A few hundred give steady percentiles.
  for (let i = 0; i < Math.max(texts.length, 200) && i < 1_000; i++) {
    check(stop);
    const started = performance.now();
    await embedder.encodeText(texts[i % texts.length] ?? '');
    times.push(performance.now() - started);
  }
  return { p50: Number(percentile(times, 0.5).toFixed(2)), p95: Number(percentile(times, 0.95).toFixed(2)) };
}

function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0;
}

function check(stop: AbortSignal): void {
  if (stop.aborted) throw new StoppedError('stopped before the timing was done; nothing was changed');
}

async function readTexts(path: string): Promise<readonly string[]> {
  const texts = (await readFile(path, 'utf8'))
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((text, i) => {
      const line = parseTextLine({ text });
      if ('error' in line) throw new UsageError(`${path}, line ${i + 1}: ${line.error.message}`);
      return line.text;
    });
  if (texts.length === 0) throw new UsageError(`${path} has no texts`);
  return texts;
}

function onnxRuntimeVersion(): string {
  const backend = createRequire(import.meta.resolve('@kimera/backend-onnx'));
  const { version } = z
    .object({ version: z.string() })
    .parse(JSON.parse(readFileSync(backend.resolve('onnxruntime-node/package.json'), 'utf8')));
  return version;
}
