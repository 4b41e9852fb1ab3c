// What browsers can import: all but opening a folder on a disk.
export {
  DEFAULT_BATCH_TOKENS,
  DEFAULT_QUEUE_SECONDS,
  Embedder,
  type EmbedderParts,
  type EmbedOptions,
  type EncodeTokensOptions,
  type TokenizedTexts,
} from './embedder.js';
export type { CacheStats } from './embedding-cache.js';
export { NoBackendError, OpeningTimeoutError, QueueFullError } from './errors.js';
export type { BackendStep, FallbackEvent, FallbackStatus, StepStatus } from './fallback/backend-step.js';
export { LONGEST_PAUSE_MS } from './fallback/circuit.js';
export { FallbackBackend, type FallbackOptions } from './fallback/fallback-backend.js';
export type { ExpectationTest, ModelExpectation, ModelTest, ProbeTest } from './model-test.js';
export type { QueueSeconds } from './scheduler.js';
export type { PerformanceStats } from './statistics.js';
