import { KimeraError } from '@kimera/core';

/** This processor adds products of 8 bits in 16 (no VNNI): the 8-bit variant would give other vectors. */
export class Int8SaturationError extends KimeraError {
  readonly code = 'INT8_SATURATION';
  readonly kind = 'internal';
  constructor(readonly graph: string) {
    super(
      `${graph}: products of 8 bits saturate on this processor (it has no VNNI), so the int8 variant would give other vectors: use the folder's full variant, or convert on this machine, which makes 7-bit weights`,
      { graph },
    );
  }
}
