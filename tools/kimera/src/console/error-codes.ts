import type * as converter from '@kimera/converter';
import type * as distill from '@kimera/distill';
import type * as evaluation from '@kimera/evaluation';
import type * as migration from '@kimera/migration';
import type * as onnxFile from '@kimera/onnx-file';
import type { CodesOf, ErrorCode as ServingCode } from '@kimera/serving';
import type * as store from '@kimera/store-postgres';
import type * as tensorFile from '@kimera/tensor-file';
import type * as torchFile from '@kimera/torch-file';
import type * as own from '../errors.js';
import type * as hub from '../hub/errors.js';

/** Every code that a command can end with. */
export type ErrorCode =
  | ServingCode
  | CodesOf<
      | typeof converter
      | typeof distill
      | typeof evaluation
      | typeof hub
      | typeof migration
      | typeof onnxFile
      | typeof own
      | typeof store
      | typeof tensorFile
      | typeof torchFile
    >;

/** Codes of the operating system that have words of their own. */
export type SystemCode =
  'ENOENT' | 'ENOTDIR' | 'EISDIR' | 'EEXIST' | 'EACCES' | 'EPERM' | 'EROFS' | 'ENOSPC' | 'EMFILE' | 'EADDRINUSE';
