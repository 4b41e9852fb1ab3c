import { KimeraError, type Head } from '@kimera/core';

/** A configuration file of the checkpoint with a wrong or contradictory value. */
export class InvalidConfigurationError extends KimeraError {
  readonly code = 'INVALID_CONFIGURATION';
  readonly kind = 'refused';
  constructor(
    readonly file: string,
    readonly reason: string,
  ) {
    super(`${file}: ${reason}`, { file, reason });
  }
}

/** A tensor has another shape than the configuration implies. */
export class TensorShapeError extends KimeraError {
  readonly code = 'TENSOR_SHAPE';
  readonly kind = 'refused';
  constructor(
    readonly tensor: string,
    readonly expected: readonly number[],
    readonly actual: readonly number[],
  ) {
    super(`tensor ${tensor} has shape [${actual.join(', ')}], the configuration implies [${expected.join(', ')}]`, {
      tensor,
      expected,
      actual,
    });
  }
}

/** The exact 4-bit form was asked for, and a block of 32 weights is not 4-bit. */
export class NotFourBitError extends KimeraError {
  readonly code = 'NOT_FOUR_BIT';
  readonly kind = 'refused';
  constructor(
    readonly tensor: string,
    readonly block: number,
  ) {
    super(
      `tensor ${tensor} is not 4-bit: block ${block} of 32 weights has no scale that reproduces it exactly; q4 takes only weights that were stored in 4 bits before, fp16 and fp32 take all`,
      { tensor, block },
    );
  }
}

/** The output folder exists. */
export class OutputExistsError extends KimeraError {
  readonly code = 'OUTPUT_EXISTS';
  readonly kind = 'refused';
  constructor(readonly path: string) {
    super(`${path} exists: choose another --out or remove it`, { path });
  }
}

/** The disk has less room than the output needs. */
export class DiskSpaceError extends KimeraError {
  readonly code = 'DISK_SPACE';
  readonly kind = 'retryable';
  constructor(
    readonly path: string,
    readonly needed: number,
    readonly available: number,
  ) {
    super(`${path}: the conversion needs about ${needed} bytes, ${available} are free`, { path, needed, available });
  }
}

/** A checkpoint's file cannot be hard-linked into the model folder: another file system, or one without hard links. */
export class LinkError extends KimeraError {
  readonly code = 'LINK';
  readonly kind = 'caller';
  constructor(
    readonly from: string,
    readonly to: string,
    readonly reason: string,
  ) {
    super(
      `${from} cannot be hard-linked to ${to} (${reason}): put both on one file system, or convert without --link, which copies the weights`,
      { from, to, reason },
    );
  }
}

/** A matrix whose rows are not made of whole blocks cannot have the 4-bit form. */
export class BlockSizeError extends KimeraError {
  readonly code = 'BLOCK_SIZE';
  readonly kind = 'refused';
  constructor(
    readonly tensor: string,
    readonly columns: number,
    readonly block: number,
  ) {
    super(
      `the rows of ${tensor} have ${columns} numbers, which are not whole blocks of ${block} as q4 stores them; fp16 and fp32 take all sizes`,
      {
        tensor,
        columns,
        block,
      },
    );
  }
}

/** An 8-bit variant that is too far from the vectors it stands for. */
export class FidelityError extends KimeraError {
  readonly code = 'FIDELITY';
  readonly kind = 'refused';
  constructor(
    readonly head: Head,
    readonly mean: number,
    readonly least: number,
    readonly meanFloor: number,
    readonly minFloor: number,
    readonly matrix: string,
    readonly alone: number,
  ) {
    super(
      `the int8 variant's ${head} vectors have cosine mean ${mean}, min ${least} to the full ones; the floor is mean ${meanFloor}, min ${minFloor}. The worst matrix is ${matrix}: alone in 8 bits it costs min ${alone}`,
      { head, mean, least, meanFloor, minFloor, matrix, alone },
    );
  }
}

/** Nothing that can be inspected: neither a known kind of file nor a model or checkpoint folder. */
export class NotInspectableError extends KimeraError {
  readonly code = 'NOT_INSPECTABLE';
  readonly kind = 'refused';
  constructor(
    readonly path: string,
    readonly reason: string,
  ) {
    super(`${path}: ${reason}`, { path, reason });
  }
}
