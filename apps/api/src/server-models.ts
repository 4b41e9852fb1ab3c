import { shortFingerprint, type CollectionSearch, type EmbeddingSpace } from '@kimera/core';
import type { Embedder } from '@kimera/embedder';
import {
  bytesAt,
  ConfiguredModels,
  findModelOfSpace,
  InvalidEnvironmentError,
  ModelReload,
  ModelOfSpaceNotFoundError,
  ModelsOnDemand,
  NamedModels,
  namesOf,
  openModelAt,
  openModels,
  type Configuration,
  type ServingModels,
  type WatchedFolder,
} from '@kimera/serving';
import type { Logger } from 'pino';

/** How often idle models and changed folders are looked for. */
const LOOK_MILLISECONDS = 1_000;
/** A model that was replaced is closed after so long at the earliest: a request may have just taken it. */
const RETIRE_MILLISECONDS = 30_000;

export interface ServerModels {
  readonly models: ServingModels;
  readonly names: NamedModels;
  /** A model for the keeper, beside those that are served. */
  readonly openSpace: (space: EmbeddingSpace) => Promise<Embedder>;
  readonly close: () => Promise<void>;
}

/**
 * All models of a server: the one that it is for, those beside it, those of collections; held, closed when idle, and
 * opened again as the configuration says. Each that is open has embedded a text: what its first call has to prepare is
 * prepared.
 * @throws the models' errors, ModelNamesError, ModelAliasError; nothing stays open then.
 */
export async function openServerModels(
  configuration: Configuration,
  collections: Pick<CollectionSearch, 'spaces'> | undefined,
  logger: Logger,
): Promise<ServerModels> {
  const models = await openModels(configuration, logger);
  const retiring = new Set<Embedder>();
  let onDemand: ModelsOnDemand | undefined;
  const timers: NodeJS.Timeout[] = [];
  const close = async (): Promise<void> => {
    for (const timer of timers) clearInterval(timer);
    await Promise.all([models.close(), onDemand?.close(), ...[...retiring].map((embedder) => embedder.close())]);
  };
  try {
    const configured = await ConfiguredModels.read(
      configuration,
      models.all.map(({ space }) => space),
      collections === undefined ? 'models' : 'collections too',
    );
    // Read again each time: a folder may have been replaced by a model of another space since it was first read.
    const pathOf = (space: EmbeddingSpace): Promise<string> =>
      findModelOfSpace([...configured.all.map(({ path }) => path), ...configuration.modelFolders], space);
    const openSpace = async (space: EmbeddingSpace): Promise<Embedder> => {
      const path = await pathOf(space);
      logger.info({ model: space.modelId, space: shortFingerprint(space.fingerprint) }, `opening ${path}`);
      const embedder = await openModelAt(path, configuration, logger);
      if (embedder.space.fingerprint === space.fingerprint) return embedder;
      // Replaced while it was opened.
      await embedder.close();
      throw new ModelOfSpaceNotFoundError(space.fingerprint, space.modelId, [path]);
    };
    const { modelMemoryBytes: memoryBytes, modelIdleSeconds: idle } = configuration;
    const demanded = new ModelsOnDemand({
      open: async (space) => warmed(await openSpace(space)),
      bytesOf: async (space) => bytesAt(await pathOf(space)),
      memoryBytes,
      idleMilliseconds: idle === undefined ? undefined : idle * 1_000,
      // Both models of a migration, and as many as are named.
      kept: 2 + configured.all.length,
    });
    onDemand = demanded;
    await Promise.all(models.all.map(warmed));
    const names = new NamedModels({ served: models, onDemand: demanded, configured, collections, logger });
    for (const space of preloaded(
      configuration,
      configured,
      models.all.map((each) => each.space),
    ))
      await demanded.hold(space);

    const retire = (embedder: Embedder): void => {
      retiring.add(embedder);
      const timer = setInterval(() => {
        const { interactive, bulk } = embedder.getPerformanceStats().queue;
        if (interactive + bulk > 0) return;
        clearInterval(timer);
        retiring.delete(embedder);
        void embedder.close();
      }, RETIRE_MILLISECONDS).unref();
      timers.push(timer);
    };
    const reload =
      configuration.modelReload === 'off'
        ? undefined
        : new ModelReload({
            choice: configuration.modelReload,
            folders: [
              ...primaryFolder(configuration, models, retire),
              ...configured.all.map(({ path }) => besideFolder(path, configured, demanded)),
            ],
            open: async (path) => warmed(await openModelAt(path, configuration, logger)),
            logger,
          });
    await reload?.look();
    timers.push(
      setInterval(() => {
        demanded.closeIdle();
        void reload?.look();
      }, LOOK_MILLISECONDS).unref(),
    );
    return { models, names, openSpace, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** The one that the server is for. */
function primaryFolder(
  { modelPath, lightModelPath, lightweight }: Configuration,
  models: ServingModels,
  retire: (embedder: Embedder) => void,
): readonly WatchedFolder[] {
  const { status } = models.health();
  if (status === 'unavailable') return [];
  return [
    {
      path: lightweight ? lightModelPath : modelPath,
      served: () => models.usual.space.fingerprint,
      isOpen: () => true,
      swap: (embedder) => {
        const old = models.replacePrimary(embedder);
        if (old !== undefined) retire(old);
      },
    },
  ];
}

function besideFolder(path: string, configured: ConfiguredModels, onDemand: ModelsOnDemand): WatchedFolder {
  const served = (): string => configured.all.find((model) => model.path === path)?.space.fingerprint ?? '';
  return {
    path,
    served,
    isOpen: () => onDemand.all.some(({ space }) => space.fingerprint === served()),
    swap: (embedder) => {
      // It may have been closed meanwhile: then the next request opens the folder.
      if (!onDemand.replace(served(), embedder)) void embedder.close();
      configured.changed(path, embedder.space);
    },
    moved: () => configured.readAgain(path),
  };
}

/** @throws InvalidEnvironmentError. */
function preloaded(
  { preload }: Configuration,
  configured: ConfiguredModels,
  served: readonly EmbeddingSpace[],
): readonly EmbeddingSpace[] {
  if (preload === 'all') return configured.all.map(({ space }) => space);
  return preload.flatMap((name) => {
    const resolved = configured.resolve(name);
    const model = configured.named(resolved);
    if (model !== undefined) return [model.space];
    if (served.some((space) => namesOf(space).includes(resolved))) return [];
    const known = configured.all.map(({ space }) => space.modelId);
    throw new InvalidEnvironmentError(
      'KIMERA_PRELOAD',
      name,
      `all, or names out of ${known.join(', ') || 'KIMERA_MODELS'}`,
    );
  });
}

async function warmed(embedder: Embedder): Promise<Embedder> {
  try {
    await embedder.encodeText('warm up');
  } catch {
    // What does not serve now says so in its health, and is tried again.
  }
  return embedder;
}
