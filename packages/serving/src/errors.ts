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

/** A configuration file that cannot be read, or is none. */
export class ConfigurationFileError extends KimeraError {
  readonly code = 'CONFIGURATION_FILE';
  readonly kind = 'caller';
  constructor(
    readonly path: string,
    readonly problem: string,
    options?: ErrorOptions,
  ) {
    super(`${path}: ${problem}`, { path, problem }, options);
  }
}

/** A configuration file with a setting that there is not. */
export class UnknownSettingError extends KimeraError {
  readonly code = 'UNKNOWN_SETTING';
  readonly kind = 'caller';
  /** @param nearest the setting that is probably meant. */
  constructor(
    readonly path: string,
    readonly setting: string,
    readonly nearest: string | undefined,
  ) {
    super(
      `${path}: there is no setting ${JSON.stringify(setting)}${nearest === undefined ? '' : `; is it ${nearest}?`}`,
      { path, setting, nearest: nearest ?? null },
    );
  }
}

/** An alias whose model is not here, or that is the name of another model. */
export class ModelAliasError extends KimeraError {
  readonly code = 'MODEL_ALIAS';
  readonly kind = 'caller';
  constructor(
    readonly alias: string,
    readonly problem: string,
  ) {
    super(`the alias ${JSON.stringify(alias)} ${problem}`, { alias, problem });
  }
}

/** A model that does not fit beside those that are in use now. */
export class ModelMemoryError extends KimeraError {
  readonly code = 'MODEL_MEMORY';
  readonly kind = 'retryable';
  constructor(
    readonly model: string,
    readonly bytes: number,
    readonly limit: number,
    inUse: readonly string[],
  ) {
    super(
      `${model} needs ${megabytes(bytes)} of ${megabytes(limit)} for models, and ${inUse.join(', ')} are in use; it is opened once they are not`,
      { model, bytes, limit, inUse: [...inUse] },
    );
  }
}

/** A model that is larger than the memory for models. */
export class ModelTooLargeError extends KimeraError {
  readonly code = 'MODEL_TOO_LARGE';
  readonly kind = 'refused';
  constructor(
    readonly model: string,
    readonly bytes: number,
    readonly limit: number,
  ) {
    super(`${model} needs ${megabytes(bytes)}, MODEL_MEMORY_MB allows ${megabytes(limit)}`, { model, bytes, limit });
  }
}

/** A folder that has changed, and is of another space than the one that is served from it. */
export class ReloadedSpaceError extends KimeraError {
  readonly code = 'RELOADED_SPACE';
  readonly kind = 'refused';
  constructor(
    readonly path: string,
    readonly served: string,
    readonly found: string,
  ) {
    super(
      `${path} is of space ${shortFingerprint(found)} now, space ${shortFingerprint(served)} is served from it: start the server again, or set MODEL_RELOAD=any-space`,
      { path, served, found },
    );
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
      `the models ${primary} and ${light} answer to the same name: ` +
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

function megabytes(bytes: number): string {
  return `${Math.ceil(bytes / 2 ** 20)} MB`;
}
