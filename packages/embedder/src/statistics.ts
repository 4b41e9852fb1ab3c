import type { CacheStats } from './embedding-cache.js';
import type { FallbackStatus } from './fallback/backend-step.js';

/** Latencies kept for percentiles: the last ones, so that the figures are recent and the memory bounded. */
const WINDOW = 2_048;

export interface PerformanceStats {
  readonly texts: number;
  readonly tokens: number;
  readonly batches: number;
  readonly truncated: number;
  readonly errors: number;
  /** Milliseconds of a call, over the last 2,048. */
  readonly latency: { readonly p50: number; readonly p95: number; readonly p99: number };
  /** Over the time in which the backend worked. */
  readonly textsPerSecond: number;
  readonly tokensPerSecond: number;
  /** Tokens waiting. */
  readonly queue: { readonly interactive: number; readonly bulk: number };
  readonly backend: string;
  readonly variant: string;
  readonly cache: CacheStats;
  /** The backends that can serve this space, and which does. */
  readonly fallback: FallbackStatus;
  /** Resident set of the process, bytes; 0 in browsers. */
  readonly memoryBytes: number;
}

export interface BatchTiming {
  readonly texts: number;
  readonly tokens: number;
  /** By `performance.now()`. */
  readonly started: number;
  readonly ended: number;
}

/** Counts that cost a few additions a call. */
export class Statistics {
  texts = 0;
  tokens = 0;
  batches = 0;
  truncated = 0;
  errors = 0;
  /** Texts that a backend computed: those that the cache answered are not among them. */
  computed = 0;
  #busy = 0;
  #busyUntil = 0;
  readonly #latencies = new Float64Array(WINDOW);
  #calls = 0;

  call(milliseconds: number, texts: number, truncated: number): void {
    this.texts += texts;
    this.truncated += truncated;
    this.#latencies[this.#calls % WINDOW] = milliseconds;
    this.#calls += 1;
  }
  /**
   * A batch that ran over [started, ended), milliseconds of one clock, told in the order of the ends. Time in which two
   * ran counts once.
   */
  batch({ texts, tokens, started, ended }: BatchTiming): void {
    this.batches += 1;
    this.computed += texts;
    this.tokens += tokens;
    this.#busy += Math.max(0, ended - Math.max(started, this.#busyUntil));
    this.#busyUntil = Math.max(ended, this.#busyUntil);
  }
  get latency(): PerformanceStats['latency'] {
    const sorted = this.#latencies.slice(0, Math.min(this.#calls, WINDOW)).sort();
    const at = (share: number): number => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0;
    return { p50: at(0.5), p95: at(0.95), p99: at(0.99) };
  }
  perSecond(count: number): number {
    return this.#busy === 0 ? 0 : (count * 1000) / this.#busy;
  }
}
