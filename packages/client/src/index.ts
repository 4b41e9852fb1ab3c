export type { ChunkOptions } from './chunks.js';
export {
  KimeraClient,
  type ClientOptions,
  type CollectionInfo,
  type ModelInfo,
  type SearchHit,
  type SearchOptions,
  type SearchResult,
  type SpaceInfo,
  type SpaceName,
  type TypeIn,
} from './client.js';
export type { EncodedText, Embedding, Fingerprint, RefusedText, VectorType, VectorTypes } from './embedding.js';
export {
  ApiError,
  ClientOptionError,
  ConnectionFailedError,
  KeyRefusedError,
  NotAllowedError,
  NotFoundError,
  OverloadedError,
  RequestRefusedError,
  RequestTimeoutError,
  RequestTooLargeError,
  ServerFaultError,
  ServerUnavailableError,
  SpaceRefusedError,
  TextTooLongError,
  UnexpectedAnswerError,
  UnknownModelError,
  type Refusal,
} from './errors.js';
export type { EmbedOptions, Head, Model, Score, ScoreOptions, SpaceOptions } from './model.js';
export type { RetryOptions } from './retry.js';
export { similarity } from './similarity.js';
export type { TransportOptions } from './transport.js';
