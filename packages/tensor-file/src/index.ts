export {
  CheckpointFileMissingError,
  InvalidCheckpointError,
  InvalidIndexError,
  LfsPointerError,
  MissingTensorError,
  NotFiniteError,
  ResourceLimitError,
  UnsafePathError,
  UnsupportedModelError,
} from './errors.js';
export { inspectSafetensors, type SafetensorsInspection } from './inspect-safetensors.js';
export { openSafetensors } from './open-safetensors.js';
export { openSharded } from './open-sharded.js';
export { readRows } from './read-rows.js';
export { openPositioned, type PositionedFile } from './positioned-file.js';
export {
  tensorSource,
  type ElementRange,
  type TensorFile,
  type TensorLocation,
  type TensorSource,
} from './tensor-source.js';
