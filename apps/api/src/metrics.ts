import type { Embedder } from '@kimera/embedder';
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';

export interface Metrics {
  readonly registry: Registry;
  request(route: string, status: number, seconds: number): void;
}

/** Prometheus metrics: text-embeddings-inference's names where they apply, ours as `kimera_*`. */
export function createMetrics(embedder: Embedder): Metrics {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry, prefix: 'kimera_' });
  const count = new Counter({ name: 'te_request_count', help: 'requests', labelNames: ['method'], registers });
  const success = new Counter({ name: 'te_request_success', help: 'requests answered', labelNames: ['method'], registers });
  const failure = new Counter({ name: 'te_request_failure', help: 'requests refused or failed', labelNames: ['err'], registers });
  const duration = new Histogram({ name: 'te_request_duration', help: 'seconds', registers });
  const stats = (): ReturnType<Embedder['getPerformanceStats']> => embedder.getPerformanceStats();
  const gauge = (name: string, help: string, value: () => number): void => {
    new Gauge({ name, help, registers, collect() { this.set(value()); } });
  };
  gauge('te_queue_size', 'tokens waiting', () => stats().queue.interactive + stats().queue.bulk);
  gauge('kimera_texts', 'texts embedded', () => stats().texts);
  gauge('kimera_tokens', 'tokens embedded', () => stats().tokens);
  gauge('kimera_truncated_texts', 'texts that were cut', () => stats().truncated);
  gauge('kimera_batches', 'batches run', () => stats().batches);
  return {
    registry,
    request(route, status, seconds) {
      count.inc({ method: route });
      if (status < 400) success.inc({ method: route });
      else failure.inc({ err: String(status) });
      duration.observe(seconds);
    },
  };
}
