export { type InferenceBackendCase, inferenceBackendConformance } from './conformance/inference-backend-conformance.js';
export {
  type OpenedEmbedder,
  type TextEmbedderCase,
  textEmbedderConformance,
} from './conformance/text-embedder-conformance.js';
export { type TokenizerCase, tokenizerConformance } from './conformance/tokenizer-conformance.js';
export { emptyDatabase } from './empty-database.js';
export { FakeBackend, type FakeBackendOptions } from './fakes/fake-backend.js';
export { FakeEmbedder, type FakeEmbedderCall, type FakeEmbedderOptions } from './fakes/fake-embedder.js';
export { fakeSpace } from './fakes/fake-space.js';
export { faultyWorker, type FaultyWorker } from './faulty-worker.js';
export { FAKE_START, FakeTokenizer, inlineBatchTokenizer } from './fakes/fake-tokenizer.js';
export { holdWebAssembly, type HeldWebAssembly } from './hold-web-assembly.js';
export { type Matchers, rejection, type TestFunctions } from './test-functions.js';
export { exact, float32, float32Runtime, fp16Weights, type Tolerance } from './tolerance/tolerance.js';
export {
  checkClose,
  ToleranceError,
  vectorDifference,
  type VectorDifference,
  worstDifference,
} from './tolerance/vector-difference.js';
export { UNUSUAL_TEXTS } from './unusual-texts.js';
export { InMemoryStore, type InMemoryStoreOptions } from './store/in-memory-store.js';
export { storeConformance } from './store/store-conformance.js';
export type { Application, StoreCase, StoreUnderTest } from './store/store-under-test.js';
