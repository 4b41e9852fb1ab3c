export { openCheckpoint, type Checkpoint } from './checkpoint/checkpoint.js';
export { WEIGHT_FILES } from './checkpoint/open-weights.js';
export { KEPT_FILES } from './convert/kept-files.js';
export { HEAD_FILES } from './heads/token-heads.js';
export { openSafetensors } from './checkpoint/safetensors.js';
export type { TensorSource } from './checkpoint/tensor-source.js';
export { convertCheckpoint, type ConvertOptions } from './convert/convert-checkpoint.js';
export type { Int8Options } from './convert/add-int8-variant.js';
export type { OpenBackend } from './convert/open-backend.js';
export * from './errors/checkpoint-errors.js';
export { writeFolder } from './files/write-folder.js';
export * from './inspect/inspect-errors.js';
export { inspectPath } from './inspect/inspect-path.js';
export type * from './inspect/inspection.js';
export { bgeM3Tokenizer } from './synthesize/bge-m3-tokenizer.js';
export {
  SYNTHETIC_FORMATS,
  synthesizeBgeM3,
  type SynthesizeOptions,
  type SyntheticFormat,
} from './synthesize/synthesize-checkpoint.js';
export { BGE_M3_FACTS, builtInFacts } from './published/built-in-facts.js';
export { InvalidFactsFileError } from './published/invalid-facts-file-error.js';
export type { PublishedFacts } from './published/published-facts.js';
export type { PublishedRow } from './published/published-row.js';
export { readPublishedFacts } from './published/read-published-facts.js';
export { verifyPublished, type PublishedReport, type VerifyPublishedOptions } from './published/verify-published.js';
export { verifyModel, type VerificationRow, type VerifyOptions } from './verify-model.js';
export type { BaseVariant, WeightForm } from './weights/weight-form.js';
