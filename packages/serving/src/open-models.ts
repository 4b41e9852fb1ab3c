import { DimensionMismatchError, KimeraError } from '@kimera/core';
import { isStaticFolder, openStaticModel } from '@kimera/backend-light';
import { Embedder, openEmbedder, type OpenEmbedderOptions } from '@kimera/embedder';
import { openModelFolder, UnknownVariantError } from '@kimera/model-folder';
import type { Configuration } from './configuration.js';
import { backendsOf } from './backends-of.js';
import { checkVariant, isNamed } from './variant-choice.js';
import { logFallback, type EventLog } from './log-fallback.js';
import { logPackedWeights } from './log-packed-weights.js';
import { ServingModels, type MissingModel } from './serving-models.js';

/**
 * The models that the configuration asks for. With a light model to fall back to, the server starts even where the
 * other model cannot be opened.
 * @throws the errors of the folder and its backends, DimensionMismatchError; nothing stays open then.
 */
export async function openModels(configuration: Configuration, logger: EventLog): Promise<ServingModels> {
  if (configuration.lightweight)
    return new ServingModels({ primary: await openLight(configuration, configuration.dimension) });
  if (configuration.fallbackSpace === undefined)
    return new ServingModels({ primary: await openPrimary(configuration, 'refuse', logger) });
  const light = await openLight(configuration, undefined).catch((error: unknown) => withoutLight(error, logger));
  const opened: Embedder[] = light === undefined ? [] : [light];
  try {
    const primary = await openPrimary(configuration, light === undefined ? 'refuse' : 'retry', logger).catch(
      (error: unknown) => {
        if (light === undefined) throw error;
        return missing(error, configuration, logger);
      },
    );
    if (!('path' in primary)) opened.push(primary);
    return new ServingModels({ light, primary });
  } catch (error) {
    await Promise.all(opened.map((embedder) => embedder.close()));
    throw error;
  }
}

async function openPrimary(
  configuration: Configuration,
  withoutBackend: 'refuse' | 'retry',
  logger: EventLog,
): Promise<Embedder> {
  const { modelPath, dimension, variant } = configuration;
  await checkVariant(modelPath, variant);
  return openEmbedder({
    ...optionsOf(configuration, logger),
    modelPath,
    withoutBackend,
    ...(dimension === undefined ? {} : { dimension }),
  });
}

/** A model beside the one that the configuration is about, of its own dimension. @throws the errors of folder and backends. */
export async function openModelAt(path: string, configuration: Configuration, logger: EventLog): Promise<Embedder> {
  const { maxQueueSeconds } = configuration;
  if (await isStaticFolder(path)) return new Embedder({ ...(await openStaticModel({ path })), maxQueueSeconds });
  return openEmbedder({ ...optionsOf(await withOwnVariant(path, configuration), logger), modelPath: path });
}

/** The variant that is named is the served model's; another model may lack it, and then takes the fast one. */
async function withOwnVariant(path: string, configuration: Configuration): Promise<Configuration> {
  const { variant } = configuration;
  if (!isNamed(variant)) return configuration;
  const { file } = await openModelFolder(path);
  return file.variants.some(({ name }) => name === variant) ? configuration : { ...configuration, variant: 'fast' };
}

function optionsOf(
  configuration: Configuration,
  logger: EventLog,
): Pick<OpenEmbedderOptions, 'backends' | 'fallback' | 'limits'> {
  const { batchTokens, cacheBytes, maxQueueSeconds, workers } = configuration;
  return {
    backends: backendsOf(configuration, {
      workers,
      onVariantRefused: (variant, { message: reason }) =>
        logger.warn({ variant, reason }, `variant ${variant} does not serve on this machine: ${reason}`),
      onPackedWeights: (event) => logPackedWeights(logger, event),
    }),
    fallback: { onEvent: (event) => logFallback(logger, event) },
    limits: { cacheBytes, maxQueueSeconds, ...(batchTokens === undefined ? {} : { batchTokens }) },
  };
}

/** The static model: its table has no execution providers, and its answers are faster than a cache's. */
async function openLight(
  { lightModelPath: path, maxQueueSeconds }: Configuration,
  dimension: number | undefined,
): Promise<Embedder> {
  const parts = await openStaticModel({ path });
  const { space } = parts.backend;
  if (dimension !== undefined && dimension !== space.dimension) {
    await Promise.all([parts.backend.close(), parts.tokenizer.close()]);
    throw new DimensionMismatchError(dimension, space.dimension, `EMBEDDING_DIM against the light model in ${path}`);
  }
  return new Embedder({ ...parts, maxQueueSeconds });
}

/** The light model is only the fallback: where it cannot be opened, the server starts with the other model alone. */
function withoutLight(error: unknown, logger: EventLog): undefined {
  if (!(error instanceof KimeraError)) throw error;
  logger.error({ code: error.code, ...error.fields }, `${error.message}: there is no light model to fall back to`);
}

/** Wrong values of EMBEDDING_DIM and KIMERA_VARIANT: they stop the start, since no model fails. */
const MISTAKES = [DimensionMismatchError, UnknownVariantError];

function missing(error: unknown, { modelPath: path }: Configuration, logger: EventLog): MissingModel {
  if (!(error instanceof KimeraError) || MISTAKES.some((mistake) => error instanceof mistake)) throw error;
  logger.error(
    { code: error.code, ...error.fields },
    `${error.message}: the light model serves in its own space, under its own name`,
  );
  return { path, reason: error.message };
}
