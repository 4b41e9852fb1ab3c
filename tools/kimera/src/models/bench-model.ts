import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { availableParallelism, cpus } from 'node:os';
import type { VariantName } from '@kimera/core';
import type { Embedder } from '@kimera/embedder';
import { z } from 'zod';
import type { CommandContext } from '../console/command-context.js';
import { StoppedError } from '../errors.js';
import { BENCH_SHAPES, tokensOf } from './bench-shapes.js';
import { openModel } from './open-model.js';

/** Rounds of each shape, fewer where one takes long; the median counts. */
const ROUNDS = 5;
/** After so many milliseconds of a shape no further round begins. */
const SHAPE_MS = 10_000;
/** Single texts: a few hundred give steady percentiles, and a large model takes a second for each. */
const [SINGLES, SINGLES_MS] = [200, 15_000];

export const machineSchema = z.strictObject({
  processor: z.string(),
  processors: z.int(),
  node: z.string(),
  onnxRuntime: z.string(),
});

const speedSchema = z.strictObject({ median: z.number(), least: z.number(), most: z.number() });

/** What one precision of a model does on this machine. */
export const benchResultSchema = z.strictObject({
  path: z.string(),
  modelId: z.string(),
  space: z.string(),
  variant: z.string(),
  backend: z.string(),
  threads: z.int(),
  /** From opening the folder until it serves, probes included. */
  loadMilliseconds: z.number(),
  /** From opening the folder to the first vector. */
  firstVectorMilliseconds: z.number(),
  /** The given texts in one call. */
  texts: z.strictObject({ count: z.int(), tokens: z.int(), tokensPerSecond: speedSchema }),
  /** Milliseconds of one of them alone. */
  latency: z.strictObject({ p50: z.number(), p95: z.number() }),
  /** Batches of one length, as token ids. */
  shapes: z.array(z.strictObject({ texts: z.int(), tokens: z.int(), tokensPerSecond: speedSchema })),
  /** What the process took more of at its end than before the model was opened: resident, mapped weights included. */
  memoryBytes: z.number(),
});

export type BenchMachine = z.infer<typeof machineSchema>;
export type BenchResult = z.infer<typeof benchResultSchema>;

export interface BenchModelOptions {
  readonly path: string;
  readonly variant?: VariantName | undefined;
  readonly texts: readonly string[];
  readonly threads: number;
  /** Told how much of the work is done. */
  readonly onProgress: (done: number, total: number) => void;
}

/** One precision in this process. @throws StoppedError, and openModel's errors. */
export async function benchModel(
  context: CommandContext,
  { path, variant, texts, threads, onProgress }: BenchModelOptions,
): Promise<BenchResult> {
  const { stop } = context;
  const before = process.memoryUsage.rss();
  const started = performance.now();
  const embedder = await openModel(context, { path, variant, threads });
  try {
    const loadMilliseconds = Math.round(performance.now() - started);
    await embedder.encodeText(texts[0] ?? '');
    const firstVectorMilliseconds = Math.round(performance.now() - started);
    const sequences = (await embedder.tokenize(texts)).ids;
    const shapes = BENCH_SHAPES.filter(([, tokens]) => tokens <= embedder.space.maxTokens);
    const steps = shapes.length + 2;
    const together = await timed(stop, () => embedder.encodeBatch(texts, { lane: 'bulk', signal: stop }));
    onProgress(1, steps);
    const latency = await latencies(embedder, texts, stop);
    onProgress(2, steps);
    const results: BenchResult['shapes'] = [];
    for (const [count, tokens] of shapes) {
      const batch = tokensOf(sequences, count, tokens);
      const run = (): Promise<unknown> => embedder.encodeTokens(batch, { lane: 'bulk', signal: stop });
      results.push({ texts: count, tokens, tokensPerSecond: perSecond(count * tokens, await timed(stop, run)) });
      onProgress(2 + results.length, steps);
    }
    const tokens = sequences.reduce((sum, { length }) => sum + length, 0);
    const { backend, variant: served } = embedder.getPerformanceStats();
    return {
      path,
      modelId: embedder.space.modelId,
      space: embedder.space.fingerprint,
      variant: served,
      backend,
      threads,
      loadMilliseconds,
      firstVectorMilliseconds,
      texts: { count: texts.length, tokens, tokensPerSecond: perSecond(tokens, together) },
      latency,
      shapes: results,
      memoryBytes: Math.max(0, process.memoryUsage.rss() - before),
    };
  } catch (error) {
    if (stop.aborted) throw stopped();
    throw error;
  } finally {
    await embedder.close();
  }
}

export function stopped(): StoppedError {
  return new StoppedError('stopped before the timing was done; nothing was changed');
}

export function benchMachine(): BenchMachine {
  return {
    processor: cpus()[0]?.model.trim() ?? 'unknown',
    processors: availableParallelism(),
    node: process.versions.node,
    onnxRuntime: onnxRuntimeVersion(),
  };
}

/** Milliseconds of each round. The first call warms up and does not count, unless it took so long that it is the only one. */
async function timed(stop: AbortSignal, run: () => Promise<unknown>): Promise<readonly number[]> {
  const time = async (): Promise<number> => {
    stop.throwIfAborted();
    const started = performance.now();
    await run();
    return performance.now() - started;
  };
  const first = await time();
  if (first > SHAPE_MS) return [first];
  const rounds: number[] = [];
  for (let spent = first; rounds.length === 0 || (rounds.length < ROUNDS && spent < SHAPE_MS);) {
    const milliseconds = await time();
    rounds.push(milliseconds);
    spent += milliseconds;
  }
  return rounds;
}

function perSecond(tokens: number, milliseconds: readonly number[]): BenchResult['texts']['tokensPerSecond'] {
  const speed = (time: number): number => Math.round((1_000 * tokens) / time);
  return {
    median: speed(percentile(milliseconds, 0.5)),
    least: speed(Math.max(...milliseconds)),
    most: speed(Math.min(...milliseconds)),
  };
}

async function latencies(
  embedder: Embedder,
  texts: readonly string[],
  stop: AbortSignal,
): Promise<BenchResult['latency']> {
  const times: number[] = [];
  const end = performance.now() + SINGLES_MS;
  while (times.length < SINGLES && (times.length === 0 || performance.now() < end)) {
    const started = performance.now();
    await embedder.encodeText(texts[times.length % texts.length] ?? '', { signal: stop });
    times.push(performance.now() - started);
  }
  return { p50: Number(percentile(times, 0.5).toFixed(2)), p95: Number(percentile(times, 0.95).toFixed(2)) };
}

function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0;
}

function onnxRuntimeVersion(): string {
  const backend = createRequire(import.meta.resolve('@kimera/backend-onnx'));
  const { version } = z
    .object({ version: z.string() })
    .parse(JSON.parse(readFileSync(backend.resolve('onnxruntime-node/package.json'), 'utf8')));
  return version;
}
