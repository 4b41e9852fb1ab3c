export { keyDigest, parseApiKey, type ApiKey, type Scope } from './api-key.js';
export { backendsOf, type BackendOptions } from './backends-of.js';
export {
  configurationProblems,
  DEFAULT_BODY_LIMIT_BYTES,
  DEFAULT_CACHE_MEGABYTES,
  DEFAULT_HOST,
  DEFAULT_PORT,
  parseBackendChoice,
  parseConfiguration,
  type BackendChoice,
  type Configuration,
  type Environment,
} from './configuration.js';
export { describeSettings, readConfigurationFile, withConfigurationFile, type Setting } from './configuration-file.js';
export { bytesAt, ConfiguredModels, type ConfiguredModel } from './configured-models.js';
export { ENVIRONMENT, type EnvironmentVariable } from './environment.js';
export type { CodesOf, ErrorCode } from './error-codes.js';
export {
  AddressError,
  ConfigurationFileError,
  InvalidEnvironmentError,
  ModelAliasError,
  ModelMemoryError,
  ModelNamesError,
  ModelNotServedError,
  ModelOfSpaceNotFoundError,
  ModelPackageMissingError,
  ModelTooLargeError,
  ModelUnavailableError,
  ReloadedSpaceError,
  SpaceNotServedError,
  UnknownSettingError,
  type NamedSpace,
} from './errors.js';
export { ModelReload, type ModelReloadParts, type WatchedFolder } from './model-reload.js';
export { logFallback, type EventLog } from './log-fallback.js';
export { findModelOfSpace } from './find-model-of-space.js';
export { ModelsOnDemand, type ModelsOnDemandParts } from './models-on-demand.js';
export type { WebSettings } from './web-settings.js';
export { NamedModels, type NamedModelsParts } from './named-models.js';
export { openModelAt, openModels } from './open-models.js';
export { namesOf, ServingModels, type Health, type MissingModel, type ServingModelsParts } from './serving-models.js';
export { checkVariant, FAST_MIN_COSINE } from './variant-choice.js';
export type { ServiceLimits } from './service-limits.js';
export { shippedModel, shippedModels, type ShippedModel } from './shipped-models.js';
