export { ifPresent, isAbsence } from './absence.js';
export { canonicalJson, canonicalJsonBytes, type JsonValue, parseJson } from './canonical-json.js';
export { checkHeads, checkRun } from './check-run.js';
export { colbertScore, type HeadScores, hybridScore, lexicalScore, lexicalWeights } from './scores.js';
export { type Derivation, describeSpace, deriveSpace, type SpaceDescription } from './derived-space.js';
export { type DerivedVector, deriveVector, type QuantizedVector } from './derive-vector.js';
export { quantizedCosine } from './quantized-cosine.js';
export {
  ActiveSpaceError,
  ApplicationRowsError,
  BackendLimitError,
  CatchUpError,
  ClosedError,
  CollectionBrokenError,
  CollectionExistsError,
  CollectionTableGoneError,
  CollectionUnreadableError,
  DerivedDimensionsError,
  DerivedDtypeError,
  DerivedHeadError,
  DerivedParentError,
  DimensionMismatchError,
  DimensionTooLargeError,
  EmptyMultiVectorError,
  type ErrorField,
  type ErrorKind,
  HybridWeightsError,
  InPlaceColumnError,
  Int8SaturationError,
  InvalidCollectionNameError,
  InvalidEncodeOptionsError,
  InvalidRowError,
  InvalidTokenBatchError,
  KimeraError,
  MigrationStateError,
  MigrationUnderWayError,
  NoMigrationError,
  NoTenantsError,
  NotCanonicalError,
  ProbeMismatchError,
  ProbeNormError,
  reasonOf,
  RowColumnError,
  SpaceMismatchError,
  UnknownCollectionError,
  UnknownMigrationError,
  TenantsInPlaceError,
  TextBeyondPositionsError,
  UnknownRoleError,
  UnnormalizedOutputError,
  UnknownSpaceError,
  UnsupportedHeadError,
  ZeroVectorError,
} from './errors.js';
export {
  type ErrorTable,
  fromPortableError,
  type PortableError,
  RemoteError,
  toPortableError,
} from './portable-error.js';
export { sha256Hex, spaceFingerprint } from './fingerprint.js';
export { headsOfText, type HeadsOfText } from './heads.js';
export type { BackendOutput, HeadRequest, InferenceBackend, RunOrder } from './ports/inference-backend.js';
export {
  checkCollectionName,
  checkDimension,
  checkDistinctIds,
  checkRows,
  checkVector,
  MAX_ID_BYTES,
} from './ports/store/checks.js';
export type {
  Adoption,
  AdoptionProgress,
  AdoptionRequest,
  AdoptionStore,
  CopyStamp,
  OldVector,
  TextsCut,
  VectorColumnWriter,
} from './ports/store/adoption.js';
export type { CollectionFault, CollectionUpkeep, Reconciliation } from './ports/store/collection-upkeep.js';
export type { CollectionReader } from './ports/store/collection-reader.js';
export type { CollectionWriter, EmbeddedRow } from './ports/store/collection-writer.js';
export type { Collection, KeyRange, Row, SourceRow } from './ports/store/collection.js';
export { contentHash, toWellFormed } from './text.js';
export type { BackfillJob, JobCounts, JobProgress, JobQueue } from './ports/store/job-queue.js';
export type {
  Dependent,
  InPlaceColumns,
  InPlacePlan,
  InPlaceStore,
  PrepareOptions,
  PrepareProgress,
  PrepareResult,
} from './ports/store/in-place.js';
export type { MigrationState } from './ports/store/migration-state.js';
export type {
  CountedQuery,
  Figures,
  LookedAtQuery,
  MeasuredQuery,
  Migration,
  MigrationEvent,
  MigrationStore,
  PoisonRecord,
  SpaceSwitch,
  SwitchResult,
  Transition,
} from './ports/store/migration-store.js';
export type { PoisonRow } from './ports/store/poison-row.js';
export type {
  CollectionSearch,
  CollectionSpaces,
  FoundRow,
  SearchAnswer,
  SearchOptions,
  SearchScan,
} from './ports/store/search.js';
export type { StorePorts } from './ports/store/store-ports.js';
export type {
  Backlog,
  ChangeClaim,
  ChangesOf,
  ChangeFeed,
  Coverage,
  Hit,
  NewVector,
  QueryVector,
  StoreCapacity,
  StoredVector,
  VectorReader,
  VectorWriter,
  WriteResult,
} from './ports/store/vectors.js';
export type { Embedding, EncodeTextOptions, Lane, TextEmbedder, TokenizingEmbedder } from './ports/text-embedder.js';
export { batchSize, checkTokenBatch, textIds, type TokenBatch, tokenBatch } from './ports/token-batch.js';
export type {
  BatchEncoding,
  BatchTokenizer,
  DecodeOptions,
  EncodeOptions,
  Encoding,
  EncodingWithOffsets,
  TokenColumns,
  Tokenizer,
} from './ports/tokenizer.js';
export { type DetailedToken, detailedTokens, tokenColumns } from './token-columns.js';
export { promptOf } from './prompt-of.js';
export { checkPositions, tokenLimit } from './token-limit.js';
export {
  DERIVED_DTYPES,
  type DerivedDtype,
  type DerivedFrom,
  HEADS,
  VARIANTS,
  type EmbeddingSpace,
  type Fidelity,
  type Head,
  type Pooling,
  POOLINGS,
  type Role,
  type PromptName,
  type EncoderIdentity,
  ROLES,
  shortFingerprint,
  type SpaceIdentity,
  type Variant,
  VARIANT_CHOICES,
  type VariantChoice,
  type VariantName,
} from './space.js';
export { cosine, dot, hasDirection, maxAbsDifference, norm, normalize, scaleToOne, type Vector } from './vector.js';
