export { inferenceBackendConformance, type InferenceBackendCase } from './conformance/inference-backend-conformance.js';
export {
  textEmbedderConformance,
  type OpenedEmbedder,
  type TextEmbedderCase,
} from './conformance/text-embedder-conformance.js';
export { tokenizerConformance, type TokenizerCase } from './conformance/tokenizer-conformance.js';
export { FakeBackend, type FakeBackendOptions } from './fakes/fake-backend.js';
export { FakeEmbedder, type FakeEmbedderCall, type FakeEmbedderOptions } from './fakes/fake-embedder.js';
export { fakeSpace } from './fakes/fake-space.js';
export { FAKE_START, FakeTokenizer, inlineBatchTokenizer } from './fakes/fake-tokenizer.js';
export { rejection } from './rejection.js';
export type { Matchers, TestFunctions } from './test-functions.js';
export { exact, float32, float32Runtime, fp16Weights, type Tolerance } from './tolerance/tolerance.js';
export {
  checkClose,
  ToleranceError,
  vectorDifference,
  worstDifference,
  type VectorDifference,
} from './tolerance/vector-difference.js';
export { UNUSUAL_TEXTS } from './unusual-texts.js';
export * from './store/index.js';
