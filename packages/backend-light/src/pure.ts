// What browsers can import: all but reading from a disk.
export {
  InvalidHashedOptionsError,
  InvalidSafetensorsError,
  InvalidStaticModelError,
  ModelFetchError,
  NotAStaticModelError,
  TextWithoutDirectionError,
} from './errors.js';
export { type FileSource, memoryFiles, urlFiles } from './folder/file-source.js';
export { loadStaticModel } from './folder/load-static-model.js';
export { parseStaticSpaceFile } from './folder/parse-static-space-file.js';
export { STATIC_SPACE_SCHEMA, type StaticSpaceFile, staticSpaceFileSchema } from './folder/static-space-file.js';
export { CodePointTokenizer } from './hashed/code-point-tokenizer.js';
export { hashText } from './hashed/hash-text.js';
export { HashedBackend } from './hashed/hashed-backend.js';
export { type HashedOptions, hashedSpace } from './hashed/hashed-space.js';
export { type HashedModel, openHashedModel } from './hashed/open-hashed-model.js';
export { StaticBackend, type StaticBackendParts } from './static-backend.js';
export type { LoadStaticModelOptions, StaticModel } from './static-model.js';
export { type TableConvention, tableDigest } from './table/table-digest.js';
export type { TokenTable } from './table/token-table.js';
export { TimeSlice } from './time-slice.js';
