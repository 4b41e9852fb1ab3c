// What browsers can import: all but reading from a disk.
export { checkSpaceFile } from './check-space-file.js';
export {
  InvalidSpaceFileError,
  ModelFileHashError,
  ModelFileMissingError,
  ModelFileSizeError,
  ModelFolderNotFoundError,
  UnknownVariantError,
} from './errors.js';
export { type FetchedModelFolder, fetchModelFolder } from './fetch-model-folder.js';
export { chooseVariant, type ModelFolder, modelFolder } from './model-folder.js';
export { embeddingSpace, parseSpaceFile } from './parse-space-file.js';
export {
  checkProbes,
  decodeProbe,
  decodeVector,
  encodeVector,
  hasNormOf,
  type Probe,
  PROBE_COSINE_FLOOR,
  probeFloor,
  type ProbeResult,
  probeSimilarities,
} from './probe.js';
export {
  identitySchema,
  probeSchema,
  recordedHash,
  SPACE_FILE_SCHEMA,
  type SpaceFile,
  type SpaceFileProbe,
  spaceFileSchema,
  type SpaceFileVariant,
  variantSchema,
} from './space-file.js';
