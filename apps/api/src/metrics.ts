import type { Embedder, PerformanceStats } from '@kimera/embedder';
import type { AppParts } from './app-parts.js';
import type { RequestMeasure } from './http/answers/request-measure.js';
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';

export interface Metrics {
  readonly contentType: string;
  /** What /metrics answers. */
  text(): Promise<string>;
  /** @param measure of a request that embeds something. */
  request(route: string, status: number, seconds: number, measure?: RequestMeasure): void;
  /** Beyond the limit of connections. */
  refusedConnection(): void;
  /** It took nothing of its answer. */
  cutOffClient(): void;
  watchConnections(open: () => number): void;
}

/** Statistics of a model, each under its name in docs/statistics.md. */
const FIGURES: readonly {
  readonly name: string;
  readonly help: string;
  readonly value: (stats: PerformanceStats) => number;
}[] = [
  { name: 'te_queue_size', help: 'tokens waiting', value: ({ queue }) => queue.interactive + queue.bulk },
  {
    name: 'kimera_queue_seconds',
    help: 'that a text of a request with few of them waits',
    value: ({ queueSeconds }) => queueSeconds.interactive,
  },
  {
    name: 'kimera_bulk_queue_seconds',
    help: 'that the first text of a request with many of them waits',
    value: ({ queueSeconds }) => queueSeconds.bulk,
  },
  { name: 'kimera_refused_calls', help: 'calls that would have waited too long', value: ({ refused }) => refused },
  { name: 'kimera_dropped_calls', help: 'calls whose caller gave up', value: ({ dropped }) => dropped },
  { name: 'kimera_texts', help: 'texts embedded', value: ({ texts }) => texts },
  { name: 'kimera_tokens', help: 'tokens embedded', value: ({ tokens }) => tokens },
  { name: 'kimera_batches', help: 'batches run', value: ({ batches }) => batches },
  { name: 'kimera_truncated_texts', help: 'texts that were cut', value: ({ truncated }) => truncated },
  { name: 'kimera_failed_calls', help: 'calls that failed', value: ({ errors }) => errors },
  {
    name: 'kimera_latency_p50_milliseconds',
    help: 'of a call, over the last 2,048',
    value: ({ latency }) => latency.p50,
  },
  {
    name: 'kimera_latency_p95_milliseconds',
    help: 'of a call, over the last 2,048',
    value: ({ latency }) => latency.p95,
  },
  {
    name: 'kimera_latency_p99_milliseconds',
    help: 'of a call, over the last 2,048',
    value: ({ latency }) => latency.p99,
  },
  {
    name: 'kimera_texts_per_second',
    help: 'over the time in which the backend worked',
    value: ({ textsPerSecond }) => textsPerSecond,
  },
  {
    name: 'kimera_tokens_per_second',
    help: 'over the time in which the backend worked',
    value: ({ tokensPerSecond }) => tokensPerSecond,
  },
  { name: 'kimera_cache_hits', help: 'texts answered from the cache', value: ({ cache }) => cache.hits },
  { name: 'kimera_cache_misses', help: 'texts that were not in the cache', value: ({ cache }) => cache.misses },
  { name: 'kimera_cache_bytes', help: 'held by the cache', value: ({ cache }) => cache.bytes },
  {
    name: 'kimera_degraded',
    help: '1 while the first backend does not serve',
    value: ({ fallback }) => (fallback.degraded ? 1 : 0),
  },
  {
    name: 'kimera_backend_changes',
    help: 'times that another backend began to serve',
    value: ({ fallback }) => fallback.changes,
  },
  { name: 'kimera_memory_bytes', help: 'resident set of the process', value: ({ memoryBytes }) => memoryBytes },
];

/** Seconds: from a text that is in the cache to the longest wait. */
const DURATIONS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];
/** Powers of two, up to the longest text of a model. */
const SIZES = Array.from({ length: 14 }, (_, i) => 2 ** i);

/**
 * Prometheus metrics: text-embeddings-inference's names where they apply, ours as `kimera_*`. @param models those that are
 * open.
 */
export function createMetrics(models: () => readonly Embedder[], keeper?: AppParts['keeper']): Metrics {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry, prefix: 'kimera_' });
  const count = new Counter({ name: 'te_request_count', help: 'requests', labelNames: ['method'], registers });
  const success = new Counter({
    name: 'te_request_success',
    help: 'requests answered',
    labelNames: ['method'],
    registers,
  });
  const failure = new Counter({
    name: 'te_request_failure',
    help: 'requests refused or failed',
    labelNames: ['err'],
    registers,
  });
  const duration = new Histogram({ name: 'te_request_duration', help: 'seconds', registers });
  const embedded = new Counter({ name: 'te_embed_count', help: 'inputs of answered requests', registers });
  const seconds = (part: string) =>
    new Histogram({ name: `te_request_${part}_duration`, help: 'seconds', buckets: DURATIONS, registers });
  const parts = {
    tokenization: seconds('tokenization'),
    queue: seconds('queue'),
    inference: seconds('inference'),
  };
  const lengths = new Histogram({ name: 'te_request_input_length', help: 'tokens', buckets: SIZES, registers });
  const batchSize = new Histogram({ name: 'te_batch_next_size', help: 'texts of a batch', buckets: SIZES, registers });
  const batchTokens = new Histogram({
    name: 'te_batch_next_tokens',
    help: 'tokens of a batch',
    buckets: SIZES,
    registers,
  });
  const watched = new WeakSet<Embedder>();
  const watchBatches = (): void => {
    for (const embedder of models()) {
      if (watched.has(embedder)) continue;
      watched.add(embedder);
      embedder.onBatch(({ texts, tokens }) => {
        batchSize.observe(texts);
        batchTokens.observe(tokens);
      });
    }
  };
  watchBatches();
  // All gauges are set together when /metrics is asked, from one reading of the statistics.
  const gauges = FIGURES.map(({ name, help }) => new Gauge({ name, help, labelNames: ['model'], registers }));
  const steps = new Gauge({
    name: 'kimera_backend_state',
    help: '1 for the state that a backend is in',
    labelNames: ['model', 'backend', 'state'],
    registers,
  });
  const failures = new Gauge({
    name: 'kimera_backend_failures',
    help: 'calls that a backend failed',
    labelNames: ['model', 'backend'],
    registers,
  });
  const keeperFigures = keeper === undefined ? undefined : keeperGauges(registers, keeper);
  const refused = new Counter({ name: 'kimera_refused_connections', help: 'beyond the limit', registers });
  const cutOff = new Counter({
    name: 'kimera_cut_off_clients',
    help: 'clients that took nothing of their answers',
    registers,
  });
  const connections = new Gauge({ name: 'kimera_connections', help: 'open connections', registers });
  let openConnections = (): number => 0;
  const collect = (): void => {
    connections.set(openConnections());
    keeperFigures?.();
    for (const embedder of models()) {
      const stats = embedder.getPerformanceStats();
      const model = embedder.space.modelId;
      FIGURES.forEach(({ value }, i) => gauges[i]?.set({ model }, value(stats)));
      for (const { name, state, failures: failed } of stats.fallback.steps) {
        for (const each of ['serving', 'standby', 'out'])
          steps.set({ model, backend: name, state: each }, each === state ? 1 : 0);
        failures.set({ model, backend: name }, failed);
      }
    }
  };
  return {
    async text() {
      collect();
      return registry.metrics();
    },
    contentType: registry.contentType,
    refusedConnection: () => refused.inc(),
    cutOffClient: () => cutOff.inc(),
    watchConnections: (open) => (openConnections = open),
    request(route, status, seconds, measure) {
      // Models that were opened since.
      watchBatches();
      count.inc({ method: route });
      if (status < 400) success.inc({ method: route });
      else failure.inc({ err: String(status) });
      duration.observe(seconds);
      if (measure === undefined || status >= 400) return;
      embedded.inc(measure.tokens.length);
      for (const tokens of measure.tokens) lengths.observe(tokens);
      for (const part of ['tokenization', 'queue', 'inference'] as const) parts[part].observe(measure[part] / 1_000);
    },
  };
}

/** @returns what sets them. */
function keeperGauges(registers: Registry[], keeper: NonNullable<AppParts['keeper']>): () => void {
  const labelNames = ['collection', 'space', 'active'];
  const [pending, oldest] = [
    new Gauge({ name: 'kimera_keeper_pending_rows', help: 'changed rows that wait', labelNames, registers }),
    new Gauge({ name: 'kimera_keeper_lag_seconds', help: 'since the oldest waits', labelNames, registers }),
  ];
  const rows = new Gauge({ name: 'kimera_keeper_rows', help: 'vectors written by the keeper', registers });
  const up = new Gauge({ name: 'kimera_keeper_up', help: '0 while its database does not answer', registers });
  return () => {
    // A space that was closed is not told any more.
    pending.reset();
    oldest.reset();
    for (const { collection, space, isActive, pending: waiting, oldestSeconds } of keeper.lag) {
      const labels = { collection, space: space.fingerprint, active: isActive ? '1' : '0' };
      pending.set(labels, waiting);
      oldest.set(labels, oldestSeconds);
    }
    rows.set(keeper.rows);
    up.set(keeper.isAway ? 0 : 1);
  };
}
