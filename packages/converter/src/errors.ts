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

/**
 * A key of a configuration file that this reader does not know: whether it changes vectors is not known either. Never
 * passed over.
 */
export class UnknownKeyError extends KimeraError {
  readonly code = 'UNKNOWN_KEY';
  readonly kind = 'refused';
  constructor(
    readonly file: string,
    readonly key: string,
    readonly value: string,
  ) {
    super(
      `${file}: the key ${JSON.stringify(key)} (${value}) is not known, so nobody can say whether it changes the vectors; if you know that it does not, --ignore ${key} converts without it and writes that down`,
      { file, key, value },
    );
  }
}

/** The checkpoint is to be computed in a precision whose vectors are others than those of float32. */
export class PrecisionError extends KimeraError {
  readonly code = 'PRECISION';
  readonly kind = 'refused';
  constructor(
    readonly file: string,
    readonly key: string,
    readonly precision: string,
  ) {
    super(
      `${file}: ${key} is ${precision}: sentence-transformers rounds every number to that, which moves the vectors; --ignore ${key} takes the weights as they are stored and computes in float32`,
      { file, key, precision },
    );
  }
}

/** The checkpoint brings Python code that makes its vectors. No code of a checkpoint is ever run. */
export class RemoteCodeError extends KimeraError {
  readonly code = 'REMOTE_CODE';
  readonly kind = 'refused';
  constructor(
    readonly file: string,
    readonly reference: string,
  ) {
    super(
      `${file}: auto_map names Python code of the checkpoint (${reference}) that makes its vectors; code of a checkpoint is never run. If the model is a plain one of its model_type whose code came along, --ignore auto_map takes it as that and writes it down`,
      { file, reference },
    );
  }
}

/** A model that gives something else than one vector a text: a cross-encoder, a SPLADE model. */
export class NotAnEmbeddingModelError extends KimeraError {
  readonly code = 'NOT_AN_EMBEDDING_MODEL';
  readonly kind = 'refused';
  constructor(
    readonly path: string,
    readonly found: string,
    readonly evidence: string,
  ) {
    super(`${path} holds ${found} (${evidence}), not a model that makes one vector of a text`, {
      path,
      found,
      evidence,
    });
  }
}

/** The folder is not one that a model can be read from; the message says what it is instead, and what to do. */
export class NoCheckpointError extends KimeraError {
  readonly code = 'NO_CHECKPOINT';
  readonly kind = 'refused';
  constructor(
    readonly path: string,
    readonly found: string,
  ) {
    super(`${path} has no config.json: ${found}`, { path, found });
  }
}

/** The tokenizer gives ids that the embedding table has no row for. */
export class VocabularySizeError extends KimeraError {
  readonly code = 'VOCABULARY_SIZE';
  readonly kind = 'refused';
  constructor(
    readonly tokenizer: number,
    readonly rows: number,
    readonly token: string,
  ) {
    super(
      `the tokenizer has ids up to ${tokenizer - 1} (${JSON.stringify(token)}), the embedding table ${rows} rows: a text with such a token has no vector`,
      { tokenizer, rows, token },
    );
  }
}

/** A key that was to be ignored stops nothing: most likely a typing error. */
export class NothingToIgnoreError extends KimeraError {
  readonly code = 'NOTHING_TO_IGNORE';
  readonly kind = 'caller';
  constructor(readonly key: string) {
    super(`--ignore ${key}: no key of that name stops the conversion of this checkpoint`, { key });
  }
}

/** A choice that the checkpoint makes itself. */
export class ChoiceNotOpenError extends KimeraError {
  readonly code = 'CHOICE_NOT_OPEN';
  readonly kind = 'caller';
  constructor(
    readonly option: string,
    readonly file: string,
  ) {
    super(`${option} is for checkpoints that do not say it themselves; ${file} of this one does`, { option, file });
  }
}
