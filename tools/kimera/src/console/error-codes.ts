import type * as backendLight from '@kimera/backend-light';
import type * as backendOnnx from '@kimera/backend-onnx';
import type * as backendWasm from '@kimera/backend-wasm';
import type * as converter from '@kimera/converter';
import type * as core from '@kimera/core';
import type { KimeraError } from '@kimera/core';
import type * as distill from '@kimera/distill';
import type * as embedder from '@kimera/embedder';
import type * as evaluation from '@kimera/evaluation';
import type * as fastGraph from '@kimera/fast-graph';
import type * as migration from '@kimera/migration';
import type * as modelFolder from '@kimera/model-folder';
import type * as onnxFile from '@kimera/onnx-file';
import type * as serving from '@kimera/serving';
import type * as storePostgres from '@kimera/store-postgres';
import type * as tensorFile from '@kimera/tensor-file';
import type * as tokenizers from '@kimera/tokenizers';
import type * as torchFile from '@kimera/torch-file';
import type * as workerPool from '@kimera/worker-pool';
import type * as own from '../errors.js';
import type * as hub from '../hub/errors.js';

/** The code of an error class; a base class, whose code is any string, has none. */
type CodeOf<E> = E extends KimeraError ? (string extends E['code'] ? never : E['code']) : never;
/** The codes of the error classes that a module exports. */
type CodesOf<M> = {
  [K in keyof M]: M[K] extends abstract new (...args: never[]) => infer E ? CodeOf<E> : never;
}[keyof M];

/** Every code that a command can end with: of the packages below, and of the tool itself. */
export type ErrorCode =
  | CodesOf<typeof core>
  | CodesOf<typeof workerPool>
  | CodesOf<typeof tokenizers>
  | CodesOf<typeof modelFolder>
  | CodesOf<typeof converter>
  | CodesOf<typeof backendLight>
  | CodesOf<typeof backendOnnx>
  | CodesOf<typeof backendWasm>
  | CodesOf<typeof fastGraph>
  | CodesOf<typeof embedder>
  | CodesOf<typeof evaluation>
  | CodesOf<typeof storePostgres>
  | CodesOf<typeof migration>
  | CodesOf<typeof distill>
  | CodesOf<typeof serving>
  | CodesOf<typeof onnxFile>
  | CodesOf<typeof tensorFile>
  | CodesOf<typeof torchFile>
  | CodesOf<typeof own>
  | CodesOf<typeof hub>;

/** Codes of the operating system that have words of their own. */
export type SystemCode =
  'ENOENT' | 'ENOTDIR' | 'EISDIR' | 'EEXIST' | 'EACCES' | 'EPERM' | 'EROFS' | 'ENOSPC' | 'EMFILE' | 'EADDRINUSE';
