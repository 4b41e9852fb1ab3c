export { MODEL_FILES, TOKENIZER_FILES, TRANSFORMER_FILES } from './checkpoint/file-names.js';
export { writeFolder } from './folder/write-folder.js';
export { ARCHITECTURES } from './architectures/architecture-of.js';
export type { Architecture } from './architectures/architecture.js';
export { xlmRoberta } from './architectures/roberta-family.js';
export { openCheckpoint, type Checkpoint, type CheckpointChoices } from './checkpoint/checkpoint.js';
export { WEIGHT_FILES } from './checkpoint/open-weights.js';
export { HEAD_FILES } from './checkpoint/token-heads.js';
export { convertCheckpoint, type ConvertOptions } from './convert-checkpoint.js';
export {
  BlockSizeError,
  ChoiceNotOpenError,
  DiskSpaceError,
  FidelityError,
  InvalidConfigurationError,
  LinkError,
  NoCheckpointError,
  NotAnEmbeddingModelError,
  NotFourBitError,
  NothingToIgnoreError,
  NotInspectableError,
  OutputExistsError,
  PrecisionError,
  RemoteCodeError,
  TensorShapeError,
  UnknownKeyError,
  VocabularySizeError,
} from './errors.js';
export type { OpenBackend } from './fidelity/fidelity.js';
export { inspectPath, type FolderInspection, type InspectedFile, type Inspection } from './inspect-path.js';
export { INT8_AIM, INT8_FLOOR, type Int8Options } from './int8/add-int8-variant.js';
export { encoderWeights } from './model/weight-plan.js';
export { verifyModel, type VerificationRow, type VerifyOptions } from './verify-model.js';
export type { BaseVariant, WeightForm } from './weights/weight-form.js';
