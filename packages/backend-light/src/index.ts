export { folderFiles } from './node/folder-files.js';
export { staticModelFiles, type StaticModelSource } from './folder/static-model-files.js';
export { isStaticFolder } from './node/is-static-folder.js';
export { spaceAt } from './node/space-at.js';
export { openStaticBackend, openStaticModel, type OpenStaticModelOptions } from './node/open-static-model.js';
export {
  CodePointTokenizer,
  type FileSource,
  HashedBackend,
  type HashedModel,
  type HashedOptions,
  hashedSpace,
  hashText,
  InvalidHashedOptionsError,
  InvalidSafetensorsError,
  InvalidStaticModelError,
  loadStaticModel,
  type LoadStaticModelOptions,
  memoryFiles,
  ModelFetchError,
  NotAStaticModelError,
  openHashedModel,
  parseStaticSpaceFile,
  STATIC_SPACE_SCHEMA,
  StaticBackend,
  type StaticBackendParts,
  type StaticModel,
  type StaticSpaceFile,
  staticSpaceFileSchema,
  type TableConvention,
  tableDigest,
  TextWithoutDirectionError,
  TimeSlice,
  type TokenTable,
  urlFiles,
} from './pure.js';
