import type { ErrorKind } from '@kimera/core';
import type { ErrorCode, SystemCode } from './error-codes.js';
import { EXIT, type ExitCode } from './exit-code.js';

/** The exit code of an error by who has to act. What is refused once is refused again. */
export const EXIT_OF_KIND = {
  caller: EXIT.error,
  refused: EXIT.refused,
  retryable: EXIT.error,
  internal: EXIT.error,
} satisfies Record<ErrorKind, ExitCode>;

/** Codes whose exit code is not that of their kind. */
export const EXIT_OF_CODE = {
  // How the command was called.
  USAGE: EXIT.usage,
  INVALID_MODEL_NAME: EXIT.usage,
  DATABASE_ADDRESS: EXIT.usage,
  // No failures.
  STOPPED: EXIT.stopped,
  OUTPUT_CLOSED: EXIT.done,
  // Nothing was judged yet: neither a GO nor a NO-GO.
  CHANGES_WAITING: EXIT.stopped,
  // What was named is not what the command can work on: as with a file that is refused.
  ACCEPTANCE: EXIT.refused,
  CHECKPOINT_FILE_MISSING: EXIT.refused,
  DIMENSION_MISMATCH: EXIT.refused,
  DISTILL_OPTIONS: EXIT.refused,
  NOT_INSPECTABLE: EXIT.refused,
  TEXT_WITHOUT_DIRECTION: EXIT.refused,
  UNSUPPORTED_HEAD: EXIT.refused,
  // Refused until another command has changed the state.
  BACKFILL_INCOMPLETE: EXIT.refused,
  MIGRATION_UNDER_WAY: EXIT.refused,
  // The folder gives other vectors than it promises here: it must not serve.
  FIDELITY: EXIT.refused,
  INT8_SATURATION: EXIT.refused,
  PROBE_MISMATCH: EXIT.refused,
  PROBE_NORM: EXIT.refused,
  // A token mends it.
  HUB_ACCESS: EXIT.error,
} satisfies Partial<Record<ErrorCode, ExitCode>>;

const LIST = '"kimera models list" shows the models at hand';
const DIR_CHECK = '"kimera models verify DIR" shows every check';
const FETCH_AGAIN = 'fetch the file again: "kimera models pull ID"';
const UNTRUSTED = 'do not use this file; fetch the checkpoint from a place that you trust: "kimera models pull ID"';
const NEW_FOLDER = 'copy or convert the folder again';
const CANNOT_CONVERT = 'this checkpoint cannot be converted; docs/converter-guide.md lists what can';
const STATUS = '"kimera migrate status" shows where it stands and what comes next';
const TRY_AGAIN = 'the same command tries again';
const GOES_ON = 'the same command goes on where it stopped';
const OTHER_HUB = 'HF_ENDPOINT chooses another hub';
const FAULT = 'a fault of this program: please report it, with the output of KIMERA_DEBUG=1';

/**
 * What to do next, one line an error. `null` where the message says it already, or where there is nothing to do: the
 * reason stands above the group.
 */
export const HINTS = {
  // The command line
  /** The hint is the help of the command that was called (program.ts). */
  USAGE: null,
  /** Not errors of anybody; the message of STOPPED says how to go on. */
  STOPPED: null,
  OUTPUT_CLOSED: null,
  INPUT_NOT_FOUND: 'check the path; relative paths start from the current folder',
  MODEL_NOT_FOUND: `${LIST}; "kimera models pull ID" fetches one`,
  INVALID_ROW_LINE: 'correct the line and run the same command again: rows that are there are replaced',
  INVALID_QUERY_LINE: 'correct the line; "kimera migrate verify --help" shows one',
  INVALID_FACTS_FILE: 'correct the file; "kimera models verify --help" says what it is for',

  // Models and their folders
  MODEL_FOLDER_NOT_FOUND: LIST,
  UNKNOWN_VARIANT: '"kimera models list DIR" shows the variants',
  UNSUPPORTED_HEAD: '"kimera models list" shows the heads of each model',
  /** The messages name the roles, and the limit. */
  UNKNOWN_ROLE: null,
  TEXT_BEYOND_POSITIONS: null,
  MODEL_FILE_SIZE: NEW_FOLDER,
  MODEL_FILE_HASH: NEW_FOLDER,
  MODEL_FILE_MISSING: NEW_FOLDER,
  INVALID_SPACE_FILE: NEW_FOLDER,
  TOKENIZER_CHANGED: NEW_FOLDER,
  INVALID_TOKENIZER: NEW_FOLDER,
  MODEL_LOAD: DIR_CHECK,
  PROBE_MISMATCH: DIR_CHECK,
  PROBE_NORM: DIR_CHECK,
  /** The message says what to install. */
  MODEL_PACKAGE_MISSING: null,
  MODEL_NOT_SERVED: LIST,
  SPACE_NOT_SERVED: LIST,
  MODEL_UNAVAILABLE: '"kimera doctor" shows what runs here, and why',
  MODEL_NAMES: 'convert or distil one of them again with another --model-id',
  MODEL_FETCH: TRY_AGAIN,
  NOT_A_STATIC_MODEL: '"kimera models distill" makes a static model; "kimera models list" shows those at hand',
  INVALID_STATIC_MODEL: 'fetch or distil the folder again: "kimera models distill"',
  INVALID_SAFETENSORS: FETCH_AGAIN,
  INVALID_HASHED_OPTIONS: 'give a number inside the range',

  // Backends
  NATIVE_RUNTIME: '"kimera doctor" shows what runs here; --backend wasm or USE_ONNX=0 does without it',
  NO_BACKEND: '"kimera doctor" shows what runs here, and why',
  OPENING_TIMEOUT: `${TRY_AGAIN}; "kimera doctor" shows how long each backend takes to open`,
  INT8_SATURATION: 'use --variant fp32, or convert the model on this machine',
  WASM_MEMORY: 'use --backend onnx, or an int8 variant: "kimera models convert --variants fp32,int8"',
  WASM_TEXT_LENGTH: 'use --backend onnx, or shorter texts',
  INFERENCE: '"kimera models verify DIR" and "kimera doctor" show what runs here',
  WORKER_DIED: `${TRY_AGAIN}; a worker that dies again and again has too little memory`,
  QUEUE_FULL: `${TRY_AGAIN}, with fewer texts at once`,
  CLOSED: TRY_AGAIN,

  // Texts and vectors
  TEXT_WITHOUT_DIRECTION: 'leave the text out, or use a model that is not static',
  SPACE_MISMATCH: 'use the model of the stored vectors: "kimera migrate status" names it',
  DIMENSION_MISMATCH: 'use the model of the stored vectors; unset EMBEDDING_DIM where it is set',
  /** The messages name the numbers, and what can be had. */
  DERIVED_DIMENSIONS: null,
  DERIVED_DTYPE: null,
  DERIVED_HEAD: null,
  DERIVED_PARENT: FAULT,
  UNNORMALIZED_OUTPUT: null,
  ZERO_VECTOR: 'leave the text out: it has no direction to compare',
  EMPTY_MULTI_VECTOR: 'leave the text out: it has no token to compare',

  // Checkpoints and their conversion
  CHECKPOINT_FILE_MISSING: 'give the folder of a Hugging Face checkpoint: "kimera models pull ID" fetches one',
  INVALID_CHECKPOINT: FETCH_AGAIN,
  INVALID_CONFIGURATION: FETCH_AGAIN,
  INVALID_INDEX: FETCH_AGAIN,
  INVALID_ONNX: FETCH_AGAIN,
  INVALID_PICKLE: FETCH_AGAIN,
  INVALID_ZIP: FETCH_AGAIN,
  LFS_POINTER: FETCH_AGAIN,
  MISSING_STORAGE: FETCH_AGAIN,
  MISSING_TENSOR: FETCH_AGAIN,
  STORAGE_SIZE: FETCH_AGAIN,
  TENSOR_BOUNDS: FETCH_AGAIN,
  TENSOR_NOT_FINITE: FETCH_AGAIN,
  TENSOR_SHAPE: FETCH_AGAIN,
  FORBIDDEN_GLOBAL: UNTRUSTED,
  FORBIDDEN_OPCODE: UNTRUSTED,
  UNSAFE_EXTERNAL_DATA: UNTRUSTED,
  UNSAFE_PATH: UNTRUSTED,
  RESOURCE_LIMIT: UNTRUSTED,
  UNSUPPORTED_MODEL: CANNOT_CONVERT,
  UNSUPPORTED_TOKENIZER: CANNOT_CONVERT,
  UNSUPPORTED_TORCH_FILE: 'save the weights as model.safetensors, or with a newer PyTorch',
  /** The messages of these say what to do. */
  NO_CHECKPOINT: null,
  UNKNOWN_KEY: null,
  PRECISION: null,
  REMOTE_CODE: CANNOT_CONVERT,
  NOT_AN_EMBEDDING_MODEL: 'choose a model that gives one vector a text',
  VOCABULARY_SIZE: CANNOT_CONVERT,
  NOTHING_TO_IGNORE: 'check the spelling, or leave the option out',
  CHOICE_NOT_OPEN: 'leave the option out',
  NOT_INSPECTABLE: '"kimera models inspect --help" says which files can be looked at',
  NOT_FOUR_BIT: 'use --variants fp16 or fp32',
  BLOCK_SIZE: 'use --variants fp16 or fp32',
  FIDELITY: 'convert without int8, or accept less with --floor; --calibration takes texts of your own',
  /** The message names the two ways out. */
  OUTPUT_EXISTS: null,
  LINK: null,
  DISK_SPACE: 'free some space or choose another --out',
  DISTILL_OPTIONS: '"kimera models distill --help" explains --dims and --texts',
  EIGEN_CONVERGENCE: 'give other or more --texts, or fewer --dims',

  // The hub
  INVALID_MODEL_NAME: 'kimera models pull --help',
  HUB_OFFLINE: 'unset HF_HUB_OFFLINE, or copy the checkpoint here by other means',
  HUB_ACCESS: 'set HF_TOKEN to a token that may read the model, once its terms are accepted where it has some',
  HUB_NOT_FOUND: 'check the id and --revision',
  HUB_UNAVAILABLE: GOES_ON,
  HUB_STATUS: `${TRY_AGAIN}; ${OTHER_HUB}`,
  HUB_CONNECTION: `check the connection and HF_ENDPOINT; ${GOES_ON}`,
  HUB_STALLED: GOES_ON,
  HUB_RANGE: TRY_AGAIN,
  HUB_REDIRECT: OTHER_HUB,
  INVALID_HUB_ANSWER: `check HF_ENDPOINT: ${OTHER_HUB}`,
  HUB_FILE_SIZE: `nothing of the file was kept; ${OTHER_HUB}`,
  HUB_FILE_HASH: `nothing of the file was kept; ${OTHER_HUB}`,
  UNVERIFIABLE_FILE: OTHER_HUB,
  UNSAFE_FILE_NAME: `do not use this model; ${OTHER_HUB}`,
  PINNED_FILE: `do not use these files; ${OTHER_HUB}`,
  NOT_A_CHECKPOINT: 'choose a model whose files are PyTorch or safetensors weights with a tokenizer.json',
  INVALID_REPOSITORY_FILE: 'choose another model or another --revision',
  PULL_LOCKED: 'wait for it, or choose another --to',
  INVALID_PULL_LOCK: 'remove the file if no other process pulls into the folder, or choose another --to',
  INVALID_PULL_RECORD: 'remove the folder and pull again, or choose another --to',
  OTHER_MODEL: 'choose another --to',
  FILE_IN_THE_WAY: 'choose another --to, or move the file away',
  PULL_SPACE: 'free some space or choose another --to',

  // Databases
  DATABASE_NOT_FOUND: 'check --database; "kimera migrate init" creates one',
  STORE_LOCKED: 'end the process that has it open, or use PostgreSQL, which many machines can use',
  STORE_NOT_RUNNING: TRY_AGAIN,
  /** The message names the file to remove, and when. */
  FOREIGN_LOCK: null,
  DAMAGED_LOCK: null,
  STORE_BUSY: TRY_AGAIN,
  STORE_UNAVAILABLE: 'check --database and DATABASE_URL, and that the server runs; "kimera doctor" tries it',
  STORE_ACCESS: 'check user, password and database of --database or DATABASE_URL; "kimera doctor" tries it',
  /** The message says how to write it. */
  DATABASE_ADDRESS: null,
  /** The message has the GRANT. */
  MISSING_RIGHT: null,
  SCHEMA_OUTDATED: 'the owner of the schema can run "kimera migrate status" once',
  STATEMENT_CANCELED: TRY_AGAIN,
  PGVECTOR_MISSING: 'install pgvector on the server, then CREATE EXTENSION vector',
  /** The message says what to install. */
  PGVECTOR_TOO_OLD: null,
  SCHEMA_TOO_NEW: 'npm install -g @kimera/cli@latest brings the newest program',
  PGLITE_OPEN: 'use another --database; of a damaged folder only a copy helps',
  DIMENSION_TOO_LARGE: 'choose a model with fewer numbers a vector: "kimera models list" shows them',

  // Collections and migrations
  UNKNOWN_COLLECTION: '"kimera migrate init" creates one',
  NO_TENANTS: 'leave --tenant out',
  ROW_COLUMN: 'check the spelling',
  INVALID_COLLECTION_NAME: 'give another --collection',
  COLLECTION_TABLE_GONE:
    'make the table again under its name, then "kimera migrate repair"; or "kimera migrate drop" the collection',
  COLLECTION_UNREADABLE: 'give the table its columns back, then "kimera migrate repair"',
  /** The message says it. */
  TENANTS_IN_PLACE: null,
  COLLECTION_BROKEN: '"kimera migrate repair" mends it',
  /** The message says it. */
  APPLICATION_ROWS: null,
  COLLECTION_EXISTS: 'give --rows to add rows to it',
  INVALID_ROW: 'correct the row and run the same command again',
  UNKNOWN_SPACE: STATUS,
  ACTIVE_SPACE: STATUS,
  NO_MIGRATION: '"kimera migrate plan" plans one',
  UNKNOWN_MIGRATION: '"kimera migrate plan" plans one',
  MIGRATION_STATE: STATUS,
  MIGRATION_UNDER_WAY: STATUS,
  SAME_SPACE: '--to takes another model; "kimera models list" shows those at hand',
  NOT_ENOUGH_ROOM: 'free some space where the database lies',
  BACKFILL_INCOMPLETE: '"kimera migrate work" goes on',
  ROWS_MISSING: '"kimera migrate work" embeds them',
  TENANT_NAME: 'name the tenants with --tenant, or leave it out',
  TENANTS_SPLIT: '"kimera migrate cutover" or "kimera migrate rollback" moves the others too; then retire',
  POISON_ROWS: 'change the rows, or "kimera migrate excuse" them',
  ACCEPTANCE: '"kimera migrate verify --help" says what --accept can let through',
  MARGIN_FIXED:
    'leave --delta out; another one needs a new migration: "kimera migrate retire", then "kimera migrate plan --delta"',
  CHANGES_WAITING: 'let "kimera migrate work" run beside the writers, then verify again',
  CATCH_UP: '"kimera migrate work" catches up',
  EMBEDDER_BROKEN: '"kimera doctor --model DIR" shows what is wrong with the model',
  VECTOR_NOT_FINITE: '"kimera models verify DIR" checks the model',
  MODEL_OF_SPACE_NOT_FOUND: 'name the folder that holds it with --models',

  // Migrations in place; the messages say what to do about each object.
  IN_PLACE_REFUSED: '"kimera migrate plan --dry-run" lists all that is in the way',
  IN_PLACE_NOT_ACCEPTED: 'give each with --accept KIND:NAME once you know what it will do',
  IN_PLACE_COLUMN: 'without --in-place the vectors stay beside the table, and searches go through kimera',
  IN_PLACE_MOVE: null,
  IN_PLACE_INDEX: TRY_AGAIN,

  // Tables of the application: the messages say how to go on.
  TABLE_NOT_FOUND: null,
  VIEW_SOURCE: null,
  MATERIALISED_VIEW_SOURCE: null,
  FOREIGN_TABLE_SOURCE: null,
  NOT_A_TABLE: null,
  TEMPORARY_TABLE: null,
  SYSTEM_TABLE: null,
  OWN_TABLE: null,
  PARTITION_SOURCE: null,
  INHERITED_TABLE: null,
  SUBSCRIBED_TABLE: null,
  TABLE_ADOPTED: null,
  ROW_SECURITY: null,
  TABLE_PERMISSION: null,
  UNKNOWN_COLUMN: null,
  NO_KEY: null,
  KEY_NOT_UNIQUE: null,
  NULLABLE_KEY: null,
  KEY_TYPE: null,
  KEY_COLLATION: null,
  TEXT_UNDECIDED: null,
  TEXT_EXPRESSION: null,
  TEXT_NOT_IMMUTABLE: null,
  TEXT_BEYOND_ROW: null,
  TEXT_VIRTUAL_COLUMN: null,
  TEXT_TYPE: null,
  TENANT_TYPE: null,
  VECTOR_UNDECIDED: null,
  VECTOR_TYPE: null,
  VECTOR_DIMENSION: null,
  VECTOR_WRITER_MISSING: null,
  VECTOR_WRITER_WITHOUT_COLUMN: null,
  KEEPER_COLUMN: null,
  NO_VECTOR_COLUMN: null,
  VECTOR_WRITER_UNDER_MIGRATION: STATUS,
  VECTOR_WRITER_DISAGREES: null,
  NOT_ADOPTED: null,
  ADOPTED_COLLECTION: null,
  TABLE_IN_USE: null,
  ADOPTION_UNFINISHED: null,
  VECTORS_OF_OTHER_MODEL: null,
  VECTORS_OF_UNKNOWN_MODEL: null,
  VECTORS_OUTDATED: null,
  VECTORS_UNREADABLE: null,
  NOT_CONFIRMED: null,

  // The server
  INVALID_ENVIRONMENT: 'unset the variable or give it another value',
  CONFIGURATION_FILE: 'docs/configuration.md shows the form of the file',
  UNKNOWN_SETTING: 'docs/configuration.md lists all settings',
  MODEL_ALIAS: 'KIMERA_MODEL_ALIASES has aliases of models that are served',
  MODEL_MEMORY: 'MODEL_MEMORY_MB is the memory for models',
  MODEL_TOO_LARGE: 'MODEL_MEMORY_MB is the memory for models',
  /** The message says what to do. */
  RELOADED_SPACE: null,
  ADDRESS: 'choose another --port (0 takes a free one) or another --host',

  // Statistics of the gate: what was judged cannot be compared.
  UNPAIRED_SCORES: FAULT,
  INVALID_SCORE: FAULT,
  DIFFERENCE_RANGE: FAULT,
  TOO_FEW_VALUES: 'give more judged queries with --queries',
  SETTING_RANGE: 'kimera migrate verify --help',
  CONSTANT_INPUT: 'give more judged queries with --queries',
  DUPLICATE_ITEM: FAULT,

  // Calls that only a fault of the command line makes
  NOT_CANONICAL: FAULT,
  HYBRID_WEIGHTS: FAULT,
  INVALID_TOKEN_BATCH: FAULT,
  INVALID_ENCODE_OPTIONS: FAULT,
} satisfies Record<ErrorCode, string | null>;

/** The operating system's errors that people meet, in plain words. @param about the path or address of the call. */
export const SYSTEM_ERRORS = {
  ENOENT: { says: (about) => `there is no file or folder ${about}`, hint: HINTS.INPUT_NOT_FOUND },
  ENOTDIR: { says: (about) => `${about} leads through a file as if it were a folder`, hint: HINTS.INPUT_NOT_FOUND },
  EISDIR: { says: (about) => `${about} is a folder, a file is needed`, hint: 'give the path of a file' },
  EEXIST: { says: (about) => `${about} exists already`, hint: 'choose another path, or move it away' },
  EACCES: { says: (about) => `no permission for ${about}`, hint: 'check who owns it, or choose another path or port' },
  EPERM: { says: (about) => `no permission for ${about}`, hint: 'check who owns it, or choose another path' },
  EROFS: { says: (about) => `${about} cannot be written: its file system is read-only`, hint: 'choose another path' },
  ENOSPC: {
    says: (about) => `no space is left on the disk of ${about}`,
    hint: 'free some space or choose another path',
  },
  EMFILE: { says: (about) => `too many files are open to open ${about}`, hint: 'raise the limit (ulimit -n)' },
  EADDRINUSE: {
    says: (about) => `another process listens on ${about}`,
    hint: 'choose another --port, 0 takes a free one',
  },
} satisfies Record<SystemCode, { readonly says: (about: string) => string; readonly hint: string }>;
