import { isNativeError } from 'node:util/types';
import { KimeraError } from '@kimera/core';
import { EXIT, type ExitCode } from './exit-code.js';
import { printable } from './printable.js';

/** An error as the shell, a program and a person get it. */
export interface ErrorDescription {
  readonly exitCode: ExitCode;
  readonly code: string;
  /** One line. */
  readonly message: string;
  readonly hint?: string;
}

/** Codes that are not plain errors. What is refused once is refused again. */
const EXIT_CODES: Readonly<Record<string, ExitCode>> = {
  USAGE: EXIT.usage,
  STOPPED: EXIT.stopped,
  OUTPUT_CLOSED: EXIT.done,
  OUTPUT_EXISTS: EXIT.refused,
  UNSUPPORTED_MODEL: EXIT.refused,
  UNSUPPORTED_TOKENIZER: EXIT.refused,
  INVALID_TOKENIZER: EXIT.refused,
  INVALID_CHECKPOINT: EXIT.refused,
  INVALID_CONFIGURATION: EXIT.refused,
  CHECKPOINT_FILE_MISSING: EXIT.refused,
  MISSING_TENSOR: EXIT.refused,
  TENSOR_SHAPE: EXIT.refused,
  TENSOR_NOT_FINITE: EXIT.refused,
  NOT_FOUR_BIT: EXIT.refused,
  LFS_POINTER: EXIT.refused,
  UNSAFE_PATH: EXIT.refused,
  INVALID_INDEX: EXIT.refused,
  RESOURCE_LIMIT: EXIT.refused,
  INVALID_FACTS_FILE: EXIT.refused,
  FORBIDDEN_GLOBAL: EXIT.refused,
  FORBIDDEN_OPCODE: EXIT.refused,
  INVALID_PICKLE: EXIT.refused,
  INVALID_ZIP: EXIT.refused,
  UNSUPPORTED_TORCH_FILE: EXIT.refused,
  MISSING_STORAGE: EXIT.refused,
  STORAGE_SIZE: EXIT.refused,
  TENSOR_BOUNDS: EXIT.refused,
  INVALID_ONNX: EXIT.refused,
  UNSAFE_EXTERNAL_DATA: EXIT.refused,
  NOT_INSPECTABLE: EXIT.refused,
  INVALID_SPACE_FILE: EXIT.refused,
  MODEL_FILE_SIZE: EXIT.refused,
  MODEL_FILE_HASH: EXIT.refused,
  MODEL_FILE_MISSING: EXIT.refused,
  PROBE_MISMATCH: EXIT.refused,
  SPACE_MISMATCH: EXIT.refused,
  DIMENSION_MISMATCH: EXIT.refused,
  UNSUPPORTED_HEAD: EXIT.refused,
  MIGRATION_STATE: EXIT.refused,
  MIGRATION_UNDER_WAY: EXIT.refused,
  SAME_SPACE: EXIT.refused,
  DIMENSION_TOO_LARGE: EXIT.refused,
  NOT_ENOUGH_ROOM: EXIT.refused,
  BACKFILL_INCOMPLETE: EXIT.refused,
  ROWS_MISSING: EXIT.refused,
  POISON_ROWS: EXIT.refused,
  ACCEPTANCE: EXIT.refused,
  COLLECTION_EXISTS: EXIT.refused,
  INVALID_MODEL_NAME: EXIT.usage,
  HUB_OFFLINE: EXIT.refused,
  UNSAFE_FILE_NAME: EXIT.refused,
  NOT_A_CHECKPOINT: EXIT.refused,
  INVALID_REPOSITORY_FILE: EXIT.refused,
  UNVERIFIABLE_FILE: EXIT.refused,
  PINNED_FILE: EXIT.refused,
  OTHER_MODEL: EXIT.refused,
  FILE_IN_THE_WAY: EXIT.refused,
  DISTILL_OPTIONS: EXIT.refused,
  NOT_A_STATIC_MODEL: EXIT.refused,
  INVALID_STATIC_MODEL: EXIT.refused,
  INVALID_SAFETENSORS: EXIT.refused,
  TEXT_WITHOUT_DIRECTION: EXIT.refused,
};

const HINTS: Readonly<Record<string, string>> = {
  MODEL_FOLDER_NOT_FOUND: '"kimera models list" shows the models at hand',
  UNKNOWN_VARIANT: '"kimera models list DIR" shows the variants',
  MODEL_FILE_SIZE: 'copy or convert the folder again',
  MODEL_FILE_HASH: 'copy or convert the folder again',
  MODEL_FILE_MISSING: 'copy or convert the folder again',
  PROBE_MISMATCH: '"kimera models verify DIR" shows every check',
  MODEL_LOAD: '"kimera models verify DIR" shows every check',
  CHECKPOINT_FILE_MISSING: 'give the folder of a Hugging Face checkpoint',
  NOT_FOUR_BIT: 'use --variant fp16 or fp32',
  INVALID_CHECKPOINT: 'fetch the file again',
  INVALID_ENVIRONMENT: 'unset the variable or give it another value',
  DISK_SPACE: 'free some space or choose another --out',
  EADDRINUSE: 'choose another --port, 0 takes a free one',
  UNKNOWN_COLLECTION: '"kimera migrate init" creates one',
  NO_MIGRATION: '"kimera migrate plan" plans one',
  MIGRATION_STATE: '"kimera migrate status" shows where it stands and what comes next',
  MIGRATION_UNDER_WAY: '"kimera migrate status" shows where it stands and what comes next',
  BACKFILL_INCOMPLETE: '"kimera migrate work" goes on',
  POISON_ROWS: 'change the rows, or "kimera migrate excuse" them',
  COLLECTION_EXISTS: 'give --rows to add rows to it',
  DATABASE_NOT_FOUND: 'check --database; "kimera migrate init" creates one',
  MODEL_OF_SPACE_NOT_FOUND: 'give its folder with --from or --to',
  INVALID_MODEL_NAME: 'kimera models pull --help',
  HUB_OFFLINE: 'unset HF_HUB_OFFLINE, or copy the checkpoint here by other means',
  HUB_ACCESS: 'set HF_TOKEN to a token that may read the model, once its terms are accepted where it has some',
  HUB_NOT_FOUND: 'check the id and --revision',
  HUB_UNAVAILABLE: 'the same command goes on where it stopped',
  HUB_CONNECTION: 'check the connection and HF_ENDPOINT; the same command goes on where it stopped',
  HUB_STALLED: 'the same command goes on where it stopped',
  HUB_RANGE: 'the same command tries again',
  HUB_FILE_SIZE: 'nothing of the file was kept; HF_ENDPOINT chooses another hub',
  HUB_FILE_HASH: 'nothing of the file was kept; HF_ENDPOINT chooses another hub',
  PINNED_FILE: 'do not use these files; HF_ENDPOINT chooses another hub',
  UNVERIFIABLE_FILE: 'HF_ENDPOINT chooses another hub',
  PULL_LOCKED: 'wait for it, or choose another --to',
  OTHER_MODEL: 'choose another --to',
  FILE_IN_THE_WAY: 'choose another --to, or move the file away',
  PULL_SPACE: 'free some space or choose another --to',
  ENOENT: 'check the path; relative paths start from the current folder',
};

export function describeError(error: unknown): ErrorDescription {
  const { code, message } = identify(error);
  const hint = HINTS[code];
  return {
    exitCode: EXIT_CODES[code] ?? EXIT.error,
    code,
    message: printable(message),
    ...(hint === undefined ? {} : { hint }),
  };
}

function identify(error: unknown): { readonly code: string; readonly message: string } {
  if (error instanceof KimeraError) return { code: error.code, message: error.message };
  // Not instanceof: errors of the system may be of another realm.
  if (!isNativeError(error)) return { code: 'INTERNAL', message: String(error) };
  // The system's own errors: "ENOENT: no such file or directory, open '…'".
  if ('syscall' in error && 'code' in error && typeof error.code === 'string')
    return { code: error.code, message: error.message };
  return { code: 'INTERNAL', message: `${error.name}: ${error.message} (KIMERA_DEBUG=1 shows where)` };
}
