import {
  checkCollectionName,
  InvalidCollectionNameError,
  UnknownCollectionError,
  type CollectionSearch,
  type EmbeddingSpace,
  reasonOf,
} from '@kimera/core';
import type { Embedder } from '@kimera/embedder';
import { ModelNotServedError, ModelOfSpaceNotFoundError, ModelUnavailableError } from './errors.js';
import type { ConfiguredModels } from './configured-models.js';
import type { EventLog } from './log-fallback.js';
import type { ModelsOnDemand } from './models-on-demand.js';
import type { ServingModels } from './serving-models.js';

export interface NamedModelsParts {
  /** The models that the server was started with. */
  readonly served: ServingModels;
  readonly onDemand: ModelsOnDemand;
  /** Models beside them, by name, and aliases. Undefined: there are none. */
  readonly configured?: ConfiguredModels | undefined;
  /** Undefined: there is no database, and so no collection. */
  readonly collections: Pick<CollectionSearch, 'spaces'> | undefined;
  readonly logger: EventLog;
}

/** A collection's name as a model's, of one of its tenants: `docs`, `docs@acme`. */
interface CollectionName {
  readonly collection: string;
  readonly tenant: string | undefined;
}

/**
 * Which model answers a request that names one: a model that is served, by its own name, or the model of a collection's
 * active space, by the name of the collection. A name that is both is the model's. The collection is looked up for each
 * request, so that the first one after a cutover gets the new space.
 */
export class NamedModels {
  readonly #parts: NamedModelsParts;

  constructor(parts: NamedModelsParts) {
    this.#parts = parts;
  }

  /** All that are open, those that are served first. */
  get all(): readonly Embedder[] {
    const served = this.#parts.served.all;
    return [...served, ...this.#parts.onDemand.all.filter((embedder) => !served.includes(embedder))];
  }

  /** Of every model that has a name here, open or not. */
  get spaces(): readonly EmbeddingSpace[] {
    const configured = this.#parts.configured?.all ?? [];
    return [...this.#parts.served.all.map(({ space }) => space), ...configured.map(({ space }) => space)];
  }

  /**
   * The model stays open until `work` is done.
   * @throws ModelNotServedError, ModelUnavailableError where the model of a collection is not at hand, NoTenantsError, the
   * store's errors, those of opening the model.
   */
  async use<T>(asked: string, work: (embedder: Embedder) => Promise<T>): Promise<T> {
    const { collections, configured } = this.#parts;
    const name = configured?.resolve(asked) ?? asked;
    const beside = configured?.named(name);
    const served = this.#servedOrReason(name, asked);
    if (!(served instanceof Error)) return work(served);
    if (beside !== undefined) return this.useSpace(beside.space, work);
    const named = collectionNamed(name);
    if (collections === undefined || named === undefined) throw served;
    const spaces = await collections.spaces(named.collection, named.tenant).catch((error: unknown) => {
      throw error instanceof UnknownCollectionError
        ? served instanceof ModelNotServedError
          ? new ModelNotServedError(asked, [...served.available, ...error.known])
          : served
        : error;
    });
    // While a migration runs the other model is opened too: the first request after the cutover need not wait for it.
    for (const other of spaces.others) this.#prepare(other);
    return this.useSpace(spaces.active, work);
  }

  /** The same by the space. @throws ModelUnavailableError where its model is not at hand, those of opening it. */
  async useSpace<T>(space: EmbeddingSpace, work: (embedder: Embedder) => Promise<T>): Promise<T> {
    const { served, onDemand } = this.#parts;
    const open = served.all.find((embedder) => embedder.space.fingerprint === space.fingerprint);
    if (open !== undefined) return work(open);
    try {
      return await onDemand.use(space, work);
    } catch (error) {
      if (!(error instanceof ModelOfSpaceNotFoundError)) throw error;
      // Without the folders that were looked through: this goes to clients.
      throw new ModelUnavailableError(
        space.modelId,
        `the server has no model of space ${space.fingerprint}`,
        this.all.map((embedder) => embedder.space),
        { cause: error },
      );
    }
  }

  #servedOrReason(name: string, asked: string): Embedder | ModelNotServedError | ModelUnavailableError {
    const { served, configured } = this.#parts;
    try {
      return served.named(name);
    } catch (error) {
      if (error instanceof ModelNotServedError)
        return new ModelNotServedError(asked, [
          ...this.spaces.map(({ modelId }) => modelId),
          ...(configured?.aliases ?? []),
        ]);
      if (error instanceof ModelUnavailableError) return error;
      throw error;
    }
  }

  #prepare(space: EmbeddingSpace): void {
    const { served, onDemand, logger } = this.#parts;
    if (served.all.some((embedder) => embedder.space.fingerprint === space.fingerprint)) return;
    onDemand.prepare(space).catch((error: unknown) => {
      const reason = reasonOf(error);
      logger.warn(
        { model: space.modelId, space: space.fingerprint, reason },
        `${space.modelId}, the other model of a migration, cannot be opened: once its space is active, no text can be embedded for the collection`,
      );
    });
  }
}

/** Undefined where no collection can be called so. */
function collectionNamed(name: string): CollectionName | undefined {
  const [, collection = '', tenant] = /^([^@]*)(?:@(.*))?$/s.exec(name) ?? [];
  try {
    checkCollectionName(collection);
  } catch (error) {
    if (error instanceof InvalidCollectionNameError) return undefined;
    throw error;
  }
  return { collection, tenant };
}
