import { logFallback } from '@kimera/serving';
import { openOnnxBackend, type OnnxBackend } from '@kimera/backend-onnx';
import { openWasmBackend } from '@kimera/backend-wasm';
import { cosine, type Vector } from '@kimera/core';
import { openEmbedder, type FallbackEvent } from '@kimera/embedder';
import { faultyWorker } from '../faulty-worker.fixture.js';
import { OLD_MODEL } from '../models.js';
import type { Stage } from '../stage.js';

const KILLS = 20;
const TEXTS = 64;
const WRITERS = 4;
const LEAST_COSINE = 0.9999;

export interface BackendKilledReport {
  readonly kills: number;
  readonly texts: number;
  readonly failedCalls: number;
  readonly leastCosine: number;
  /** Texts by the backend that was in use when they came back. */
  readonly byBackend: Readonly<Record<string, number>>;
  /** The server's log, line by line. */
  readonly log: readonly string[];
}

/** The native worker is killed again and again under load: calls go on to WebAssembly and back, in one space. */
export async function playBackendKilled({ checks, corpus, minilm, progress }: Stage): Promise<BackendKilledReport> {
  checks.scenario('The native worker killed under load');
  const texts = corpus.sentences
    .filter(({ language }) => language === 'en')
    .slice(0, TEXTS)
    .map(({ text }) => text);
  const expected = (await minilm.encodeBatch(texts)).map(({ dense }) => dense);
  const log: string[] = [];
  const keep = (_fields: object, line: string): void => void log.push(line);
  const logger = { info: keep, warn: keep, error: keep };
  const events: FallbackEvent[] = [];
  const natives: OnnxBackend[] = [];
  const faulty = faultyWorker(new URL(import.meta.resolve('@kimera/backend-onnx/onnx-worker')));
  const embedder = await openEmbedder({
    modelPath: OLD_MODEL,
    backends: [
      {
        name: 'onnx',
        open: async (folder) => {
          const native = await openOnnxBackend({ folder, intraOpThreads: 1, worker: faulty.url });
          natives.push(native);
          return native;
        },
      },
      { name: 'wasm', open: (folder) => openWasmBackend({ folder, threads: 1 }) },
    ],
    fallback: {
      firstPauseMs: 500,
      longestPauseMs: 500,
      onEvent: (event) => {
        events.push(event);
        logFallback(logger, event);
      },
    },
  });
  const deaths = (): number => natives.reduce((sum, { workerDeaths }) => sum + workerDeaths, 0);
  let [embedded, failedCalls, leastCosine, done] = [0, 0, 1, false];
  const byBackend: Record<string, number> = {};
  const wrongSpaces = new Set<string>();
  const load = async (writer: number): Promise<void> => {
    for (let i = writer; !done; i = (i + 5) % texts.length) {
      const embedding = await embedder.encodeText(texts[i] ?? '').catch(() => undefined);
      if (embedding === undefined) {
        failedCalls += 1;
        continue;
      }
      embedded += 1;
      const { backend } = embedder.getPerformanceStats();
      byBackend[backend] = (byBackend[backend] ?? 0) + 1;
      if (embedding.space !== minilm.space.fingerprint) wrongSpaces.add(embedding.space);
      leastCosine = Math.min(leastCosine, cosine(embedding.dense as Vector, expected[i] as Vector));
    }
  };
  try {
    const writers = Array.from({ length: WRITERS }, (_, writer) => load(writer));
    while (deaths() < KILLS) {
      // Both attempts of the next request that the native backend gets, where it serves.
      if (embedder.getPerformanceStats().backend === 'onnx') faulty.dieUnder(2);
      progress(`${deaths()} of ${KILLS} workers killed, ${embedded} texts`);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    faulty.dieUnder(0);
    const deadline = performance.now() + 60_000;
    while (embedder.fallback.degraded && performance.now() < deadline)
      await new Promise((resolve) => setTimeout(resolve, 50));
    const before = embedded;
    while (embedded < before + TEXTS) await new Promise((resolve) => setTimeout(resolve, 20));
    done = true;
    await Promise.all(writers);
    const count = (kind: FallbackEvent['kind'], step?: string): number =>
      events.filter((event) => event.kind === kind && (step === undefined || event.step === step)).length;
    checks.check(
      'the native worker was killed',
      deaths() >= KILLS,
      `${deaths()} times under ${WRITERS} callers, ${embedded} texts`,
    );
    checks.check(
      'no vector of another space',
      wrongSpaces.size === 0 && leastCosine >= LEAST_COSINE,
      `least cosine to the native vectors ${leastCosine.toFixed(7)}`,
    );
    checks.check('no call failed', failedCalls === 0, `${failedCalls} of ${embedded + failedCalls}`);
    checks.check(
      'WebAssembly took over',
      count('serving', 'wasm') > 0 && count('out', 'onnx') > 0,
      `the circuit opened ${count('out', 'onnx')} times`,
    );
    checks.check(
      'the native backend came back',
      count('serving', 'onnx') > 1 && !embedder.fallback.degraded,
      `${embedder.fallback.changes} changes, ${embedder.getPerformanceStats().backend} serves at the end`,
    );
    const story = [
      'failed a call',
      'is out',
      'backend wasm serves instead of onnx',
      'backend onnx serves instead of wasm',
    ];
    checks.check(
      'the log tells the story',
      story.every((part) => log.some((line) => line.includes(part))),
      `${log.length} lines`,
    );
    return { kills: deaths(), texts: embedded, failedCalls, leastCosine, byBackend, log };
  } finally {
    done = true;
    await embedder.close();
    faulty.remove();
  }
}
