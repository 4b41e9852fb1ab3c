import { KimeraError } from '@kimera/core';

/** There is no model folder at the path, or a file that it must have is absent. */
export class ModelFolderNotFoundError extends KimeraError {
  readonly code = 'MODEL_FOLDER_NOT_FOUND';
  readonly kind = 'caller';
  constructor(readonly path: string) {
    super(`no model at ${path}: expected a folder with space.json (write one with "kimera models convert")`, { path });
  }
}
