import { KimeraError } from '@kimera/core';

/**
 * A file that is not an ONNX model, or breaks the format: truncated, lengths beyond their message, a limit exceeded.
 */
export class InvalidOnnxError extends KimeraError {
  readonly code = 'INVALID_ONNX';
  readonly kind = 'refused';
  constructor(
    readonly file: string,
    readonly reason: string,
  ) {
    super(`${file}: ${reason}`, { file, reason });
  }
}

/** External data that lies outside the graph's folder: an absolute path, `..`, a link that leads away. */
export class UnsafeExternalDataError extends KimeraError {
  readonly code = 'UNSAFE_EXTERNAL_DATA';
  readonly kind = 'refused';
  constructor(
    readonly file: string,
    readonly tensor: string,
    readonly location: string,
  ) {
    super(
      `${file}: tensor ${tensor} takes its data from ${JSON.stringify(location.slice(0, 200))}, which is not inside the graph's folder`,
      {
        file,
        tensor,
        location: location.slice(0, 1000),
      },
    );
  }
}
