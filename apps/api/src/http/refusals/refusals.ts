import type { ErrorKind } from '@kimera/core';
import type { ErrorCode } from './error-codes.js';

/** Which form an answer of an error has: OpenAI's, or text-embeddings-inference's. */
export type Contract = 'openai' | 'tei';

export interface Refusal extends Readonly<Record<Contract, readonly [status: number, type: string]>> {
  readonly kind: ErrorKind;
  /** Codes of the errors of other packages that become this refusal. */
  readonly codes: readonly ErrorCode[];
  /** Field of the body that is wrong, where the error itself does not know it. */
  readonly param?: string;
  /** Instead of the error's own message. */
  readonly message?: string;
  /** After the message. */
  readonly hint?: string;
}

/** Every refusal in both contracts, under the code that OpenAI's clients see, with the errors that become it. */
export const REFUSALS = {
  invalid_request: {
    kind: 'caller',
    openai: [400, 'invalid_request_error'],
    tei: [422, 'Validation'],
    codes: [
      'EMPTY_MULTI_VECTOR',
      'HYBRID_WEIGHTS',
      'TEXT_BEYOND_POSITIONS',
      'TEXT_WITHOUT_DIRECTION',
      'UNKNOWN_ROLE',
      'ZERO_VECTOR',
    ],
    param: 'input',
  },
  empty_input: { kind: 'caller', openai: [400, 'invalid_request_error'], tei: [400, 'Empty'], codes: [] },
  input_too_long: {
    kind: 'caller',
    openai: [400, 'invalid_request_error'],
    tei: [422, 'Validation'],
    codes: ['WASM_TEXT_LENGTH'],
    param: 'input',
  },
  unsupported_dimensions: {
    kind: 'caller',
    openai: [400, 'invalid_request_error'],
    tei: [422, 'Validation'],
    codes: ['DERIVED_DIMENSIONS'],
    param: 'dimensions',
  },
  /** An older model folder: its graph has to be made again. */
  unnormalized_output: {
    kind: 'caller',
    openai: [400, 'invalid_request_error'],
    tei: [422, 'Validation'],
    codes: ['UNNORMALIZED_OUTPUT'],
    param: 'normalize',
  },
  /** A form of the vectors that there is not for what was asked. */
  unsupported_output_dtype: {
    kind: 'caller',
    openai: [400, 'invalid_request_error'],
    tei: [422, 'Validation'],
    codes: ['DERIVED_DTYPE', 'DERIVED_HEAD'],
    param: 'output_dtype',
  },
  /** A kind of output that the model does not have. */
  unsupported_head: {
    kind: 'caller',
    openai: [400, 'invalid_request_error'],
    tei: [424, 'Backend'],
    codes: ['UNSUPPORTED_HEAD'],
    param: 'heads',
  },
  invalid_token_id: {
    kind: 'caller',
    openai: [400, 'invalid_request_error'],
    tei: [422, 'Tokenizer'],
    codes: ['INVALID_TOKEN_BATCH'],
    param: 'input',
    hint: "Token ids must be of this model; LangChain sends another model's unless check_embedding_ctx_length=False",
  },
  invalid_api_key: { kind: 'caller', openai: [401, 'invalid_request_error'], tei: [401, 'Validation'], codes: [] },
  /** The key is known, and may not do this. */
  insufficient_scope: {
    kind: 'caller',
    openai: [403, 'invalid_request_error'],
    tei: [403, 'Validation'],
    codes: [],
  },
  model_not_found: {
    kind: 'caller',
    openai: [404, 'invalid_request_error'],
    tei: [404, 'Validation'],
    codes: ['MODEL_NOT_SERVED'],
    param: 'model',
  },
  collection_not_found: {
    kind: 'caller',
    openai: [404, 'invalid_request_error'],
    tei: [404, 'Validation'],
    codes: ['UNKNOWN_COLLECTION'],
  },
  /** The server was started without a database. */
  no_database: { kind: 'caller', openai: [404, 'invalid_request_error'], tei: [404, 'Validation'], codes: [] },
  no_tenants: {
    kind: 'caller',
    openai: [400, 'invalid_request_error'],
    tei: [422, 'Validation'],
    codes: ['NO_TENANTS'],
    param: 'tenant',
  },
  not_found: { kind: 'caller', openai: [404, 'invalid_request_error'], tei: [404, 'Validation'], codes: [] },
  method_not_allowed: { kind: 'caller', openai: [405, 'invalid_request_error'], tei: [405, 'Validation'], codes: [] },
  body_too_large: { kind: 'caller', openai: [413, 'invalid_request_error'], tei: [413, 'Validation'], codes: [] },
  unsupported_media_type: {
    kind: 'caller',
    openai: [415, 'invalid_request_error'],
    tei: [415, 'Validation'],
    codes: [],
  },
  /** Compressed in a way that this server cannot undo. */
  unsupported_content_encoding: {
    kind: 'caller',
    openai: [415, 'invalid_request_error'],
    tei: [415, 'Validation'],
    codes: [],
  },
  /** Not what its Content-Encoding says. */
  malformed_body: { kind: 'caller', openai: [400, 'invalid_request_error'], tei: [400, 'Validation'], codes: [] },
  /** Headers that contradict each other. */
  malformed_request: { kind: 'caller', openai: [400, 'invalid_request_error'], tei: [400, 'Validation'], codes: [] },
  /** A header Expect that is not 100-continue. */
  expectation_failed: { kind: 'caller', openai: [417, 'invalid_request_error'], tei: [417, 'Validation'], codes: [] },
  malformed_json: { kind: 'caller', openai: [400, 'invalid_request_error'], tei: [400, 'Validation'], codes: [] },
  space_mismatch: {
    kind: 'caller',
    openai: [400, 'invalid_request_error'],
    tei: [422, 'Validation'],
    codes: ['SPACE_NOT_SERVED'],
    param: 'model',
  },
  overloaded: {
    kind: 'retryable',
    openai: [429, 'rate_limit_exceeded'],
    tei: [429, 'Overloaded'],
    codes: ['QUEUE_FULL'],
  },
  too_many_requests: { kind: 'retryable', openai: [429, 'rate_limit_exceeded'], tei: [429, 'Overloaded'], codes: [] },
  /** More inputs or tokens than this server takes at once: the request as a whole is refused. */
  request_too_large: { kind: 'caller', openai: [400, 'invalid_request_error'], tei: [422, 'Validation'], codes: [] },
  /** Of Node's parser, before there is a request. */
  headers_too_large: { kind: 'caller', openai: [431, 'invalid_request_error'], tei: [431, 'Validation'], codes: [] },
  request_timeout: { kind: 'caller', openai: [408, 'invalid_request_error'], tei: [408, 'Validation'], codes: [] },
  /** The client, or the server for every client, wants no answer after that long. */
  deadline_exceeded: { kind: 'retryable', openai: [504, 'server_error'], tei: [504, 'Overloaded'], codes: [] },
  /** The client closed the connection: this status, which is nginx's, is only in the log and the metrics. */
  client_closed_request: {
    kind: 'caller',
    openai: [499, 'invalid_request_error'],
    tei: [499, 'Validation'],
    codes: [],
  },
  space_unavailable: {
    kind: 'retryable',
    openai: [503, 'service_unavailable'],
    tei: [503, 'Unhealthy'],
    codes: ['NO_BACKEND', 'MODEL_UNAVAILABLE', 'MODEL_MEMORY', 'MODEL_TOO_LARGE'],
    param: 'model',
  },
  /** The database is away, starts again or is busy. */
  store_unavailable: {
    kind: 'retryable',
    openai: [503, 'service_unavailable'],
    tei: [503, 'Unhealthy'],
    codes: ['STORE_BUSY', 'STORE_LOCKED', 'STORE_NOT_RUNNING', 'STORE_UNAVAILABLE'],
    message: 'the database of the collections does not answer now',
  },
  /** A cutover came between embedding a query and searching, twice. */
  space_changed: { kind: 'retryable', openai: [503, 'service_unavailable'], tei: [503, 'Unhealthy'], codes: [] },
  /** Only while the server closes; a part that was closed before is `internal`. */
  shutting_down: {
    kind: 'retryable',
    openai: [503, 'service_unavailable'],
    tei: [503, 'Unhealthy'],
    codes: ['CLOSED'],
    message: 'the server is shutting down',
  },
  /** What a client can do nothing about, without details: the log has them. */
  internal: {
    kind: 'internal',
    openai: [500, 'server_error'],
    tei: [500, 'Backend'],
    message: 'the server failed on this request',
    codes: [
      // Errors of the start, before any request is answered, and of opening a backend again.
      'ADDRESS',
      'CONFIGURATION_FILE',
      'INVALID_ENVIRONMENT',
      'MODEL_ALIAS',
      'MODEL_NAMES',
      'RELOADED_SPACE',
      'UNKNOWN_SETTING',
      'MODEL_PACKAGE_MISSING',
      'MODEL_OF_SPACE_NOT_FOUND',
      'INVALID_SAFETENSORS',
      'INVALID_SPACE_FILE',
      'INVALID_STATIC_MODEL',
      'INVALID_TOKENIZER',
      'MODEL_FETCH',
      'MODEL_FILE_HASH',
      'MODEL_FILE_MISSING',
      'MODEL_FILE_SIZE',
      'MODEL_FOLDER_NOT_FOUND',
      'NOT_A_STATIC_MODEL',
      'TOKENIZER_CHANGED',
      'UNKNOWN_VARIANT',
      'UNSUPPORTED_TOKENIZER',
      'INT8_SATURATION',
      'MODEL_LOAD',
      'NATIVE_RUNTIME',
      'OPENING_TIMEOUT',
      'PROBE_MISMATCH',
      'PROBE_NORM',
      'WASM_MEMORY',
      // A call of a backend that failed: the next one takes it, and where there is none the request gets NO_BACKEND.
      'INFERENCE',
      'WORKER_DIED',
      // Mistakes of this server.
      'DERIVED_PARENT',
      'DIMENSION_MISMATCH',
      'INVALID_ENCODE_OPTIONS',
      'INVALID_HASHED_OPTIONS',
      'NOT_CANONICAL',
      'SPACE_MISMATCH',
      // The database, which only an operator can mend.
      'DAMAGED_LOCK',
      'FOREIGN_LOCK',
      'PGLITE_OPEN',
      'PGVECTOR_MISSING',
      'PGVECTOR_TOO_OLD',
      'SCHEMA_TOO_NEW',
      'STORE_ACCESS',
      // Collections and migrations that no route asks about.
      'ACTIVE_SPACE',
      'APPLICATION_ROWS',
      'CATCH_UP',
      'COLLECTION_BROKEN',
      'COLLECTION_EXISTS',
      'IN_PLACE_COLUMN',
      'COLLECTION_TABLE_GONE',
      'COLLECTION_UNREADABLE',
      'TENANTS_IN_PLACE',
      'DIMENSION_TOO_LARGE',
      'INVALID_COLLECTION_NAME',
      'INVALID_ROW',
      'MIGRATION_STATE',
      'MIGRATION_UNDER_WAY',
      'NO_MIGRATION',
      'ROW_COLUMN',
      'UNKNOWN_MIGRATION',
      'UNKNOWN_SPACE',
    ],
  },
} as const satisfies Readonly<Record<string, Refusal>>;

/** A row with all its columns, also those that it leaves out. */
export function rowOf(code: HttpErrorCode): Refusal {
  return REFUSALS[code];
}

export type HttpErrorCode = keyof typeof REFUSALS;

type Listed = (typeof REFUSALS)[HttpErrorCode]['codes'][number];
type None<Nothing extends never> = Nothing;
/** Does not compile while a code is in no row above; the message names it. */
export type Unlisted = None<Exclude<ErrorCode, Listed>>;

const BY_CODE: ReadonlyMap<string, HttpErrorCode> = new Map(
  (Object.keys(REFUSALS) as readonly HttpErrorCode[]).flatMap((refusal) =>
    REFUSALS[refusal].codes.map((code) => [code, refusal] as const),
  ),
);

/** The refusal that an error becomes; undefined where no package that this server uses has that code. */
export function refusalOf(code: string): HttpErrorCode | undefined {
  return BY_CODE.get(code);
}
