import { KimeraError, shortFingerprint } from '@kimera/core';

/** An environment variable with a value that cannot be used. */
export class InvalidEnvironmentError extends KimeraError {
  readonly code = 'INVALID_ENVIRONMENT';
  readonly kind = 'caller';
  /** @param value undefined where it must not be shown: it may be a secret. */
  constructor(
    readonly variable: string,
    readonly value: string | undefined,
    readonly expected: string,
  ) {
    super(`${variable}${value === undefined ? '' : `=${value}`}: expected ${expected}`, {
      variable,
      ...(value === undefined ? {} : { value }),
      expected,
    });
  }
}

/** The server cannot listen where it was told to. */
export class AddressError extends KimeraError {
  readonly code = 'ADDRESS';
  readonly kind = 'caller';
  constructor(
    readonly host: string,
    readonly port: number,
    readonly reason: string,
  ) {
    super(`cannot listen on ${host}, port ${port}: ${reason}`, { host, port, reason });
  }
}

/** The npm package of a model is not installed. */
export class ModelPackageMissingError extends KimeraError {
  readonly code = 'MODEL_PACKAGE_MISSING';
  readonly kind = 'refused';
  /** @param packageName name of the npm package. */
  constructor(readonly packageName: string) {
    super(`the package ${packageName} is not installed: npm install ${packageName}`, { packageName });
  }
}

/** Two models of a server that answer to one name. */
export class ModelNamesError extends KimeraError {
  readonly code = 'MODEL_NAMES';
  readonly kind = 'caller';
  constructor(
    readonly primary: string,
    readonly light: string,
  ) {
    super(
      `the model ${primary} and the light model ${light} answer to the same name: ` +
        'convert or distil one of them with another --model-id',
      { primary, light },
    );
  }
}

/** No model here has that name. */
export class ModelNotServedError extends KimeraError {
  readonly code = 'MODEL_NOT_SERVED';
  readonly kind = 'caller';
  /** @param available ids of the models that are here. */
  constructor(
    readonly asked: string,
    readonly available: readonly string[],
  ) {
    super(`the model ${JSON.stringify(asked)} is not here; there is ${available.join(' and ')}`, { asked, available });
  }
}

/** A model of a server, as errors name it. */
export interface NamedSpace {
  readonly modelId: string;
  readonly fingerprint: string;
}

/** No model here is in that space. */
export class SpaceNotServedError extends KimeraError {
  readonly code = 'SPACE_NOT_SERVED';
  readonly kind = 'caller';
  /** @param asked fingerprint. */
  constructor(
    readonly asked: string,
    readonly available: readonly NamedSpace[],
  ) {
    super(`no model here is in space ${asked}; here is ${inWords(available)}`, {
      asked,
      available: available.map(({ fingerprint }) => fingerprint),
    });
  }
}

/**
 * What was asked for may be the model whose folder could not be opened, and no other serves in its place. The folder is
 * opened again when the server is started again.
 */
export class ModelUnavailableError extends KimeraError {
  readonly code = 'MODEL_UNAVAILABLE';
  readonly kind = 'refused';
  /** @param asked a model's name, the fingerprint of a space, or the folder. */
  constructor(
    readonly asked: string,
    readonly reason: string,
    readonly available: readonly NamedSpace[],
    options?: ErrorOptions,
  ) {
    super(
      `${JSON.stringify(asked)} cannot be served now (${reason})` +
        (available.length === 0 ? '' : `; here is ${inWords(available)}`),
      { asked, available: available.map(({ modelId }) => modelId) },
      options,
    );
  }
}

/** No model folder at hand gives vectors of a space. */
export class ModelOfSpaceNotFoundError extends KimeraError {
  readonly code = 'MODEL_OF_SPACE_NOT_FOUND';
  readonly kind = 'caller';
  constructor(
    readonly space: string,
    readonly modelId: string,
    readonly folders: readonly string[],
  ) {
    super(`no model of space ${shortFingerprint(space)} (${modelId}) in ${folders.join(', ')}`, {
      space,
      modelId,
      folders,
    });
  }
}

function inWords(spaces: readonly NamedSpace[]): string {
  return spaces.map(({ modelId, fingerprint }) => `${modelId} in space ${fingerprint}`).join(' and ');
}
