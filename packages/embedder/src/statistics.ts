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
  /** Calls that would have waited too long. */
  readonly refused: number;
  /** Calls whose signal was aborted: what of them was not begun was not computed. */
  readonly dropped: number;
  /** Milliseconds of a call, over the last 2,048. */
  readonly latency: { readonly p50: number; readonly p95: number; readonly p99: number };
  /** Over the time in which the backend worked. */
  readonly textsPerSecond: number;
  readonly tokensPerSecond: number;
  /** Tokens waiting. */
  readonly queue: { readonly interactive: number; readonly bulk: number };
  /** That a text waits, of a client that has nothing there: by the speed of the last seconds. */
  readonly queueSeconds: { readonly interactive: number; readonly bulk: number };
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
  /** Of work since the batch before it ended, or since it began where none was under way. */
  readonly milliseconds: number;
}

/** Counts that cost a few additions a call. */
export class Statistics {
  texts = 0;
  tokens = 0;
  batches = 0;
  truncated = 0;
  errors = 0;
  refused = 0;
  dropped = 0;
  /** Texts that a backend computed: those that the cache answered are not among them. */
  computed = 0;
  #busy = 0;
  readonly #latencies = new Float64Array(WINDOW);
  #calls = 0;

  call(milliseconds: number, texts: number, truncated: number): void {
    this.texts += texts;
    this.truncated += truncated;
    this.#latencies[this.#calls % WINDOW] = milliseconds;
    this.#calls += 1;
  }
  batch({ texts, tokens, milliseconds }: BatchTiming): void {
    this.batches += 1;
    this.computed += texts;
    this.tokens += tokens;
    this.#busy += milliseconds;
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
