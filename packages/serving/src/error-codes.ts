import type * as light from '@kimera/backend-light';
import type * as native from '@kimera/backend-onnx';
import type * as wasm from '@kimera/backend-wasm';
import type * as core from '@kimera/core';
import type { KimeraError } from '@kimera/core';
import type * as embedder from '@kimera/embedder';
import type * as graph from '@kimera/fast-graph';
import type * as folder from '@kimera/model-folder';
import type * as tokenizers from '@kimera/tokenizers';
import type * as workers from '@kimera/worker-pool';
import type * as serving from './errors.js';

/** The codes of the error classes that a module exports; one whose code may be any text (RemoteError) has none of its own. */
export type CodesOf<Module> = Module extends unknown ? CodeOf<Module[keyof Module]> : never;

type CodeOf<Export> = Export extends abstract new (...values: never[]) => infer Instance
  ? Instance extends KimeraError
    ? string extends Instance['code']
      ? never
      : Instance['code']
    : never
  : never;

/**
 * Every code that opening and running a model can meet. A program with packages of its own adds
 * `CodesOf<typeof package>`; `satisfies Record<ErrorCode, …>` makes its table complete.
 */
export type ErrorCode = CodesOf<
  | typeof core
  | typeof embedder
  | typeof folder
  | typeof graph
  | typeof light
  | typeof native
  | typeof serving
  | typeof tokenizers
  | typeof wasm
  | typeof workers
>;
