import type { EmbeddingSpace } from '@kimera/core';
import type { Embedder } from '@kimera/embedder';
import { ModelNamesError, ModelNotServedError, ModelUnavailableError, SpaceNotServedError } from './errors.js';

/** The model that was asked for, where its folder could not even be opened. */
export interface MissingModel {
  readonly path: string;
  readonly reason: string;
}

export interface ServingModelsParts {
  /** The model that the server is for. */
  readonly primary: Embedder | MissingModel;
  /** Stands in for it under its own name, where that was asked for. */
  readonly light?: Embedder | undefined;
}

export type Health =
  | { readonly status: 'ok' | 'degraded'; readonly embedder: Embedder; readonly reason: string | undefined }
  | { readonly status: 'unavailable'; readonly reason: string };

/**
 * Which model answers which name. No name ever gets vectors of another model's space, and neither does a request
 * without a name.
 */
export class ServingModels {
  #primary: Embedder | undefined;
  readonly #missing: MissingModel | undefined;
  readonly #light: Embedder | undefined;
  #closing = false;

  /** @throws ModelNamesError. */
  constructor({ primary, light }: ServingModelsParts) {
    this.#primary = 'path' in primary ? undefined : primary;
    this.#missing = 'path' in primary ? primary : undefined;
    this.#light = light;
    const taken = this.#primary === undefined ? [] : namesOf(this.#primary.space);
    const clash = light === undefined ? [] : namesOf(light.space).filter((name) => taken.includes(name));
    if (clash.length > 0) throw new ModelNamesError(this.#primary?.space.modelId ?? '', light?.space.modelId ?? '');
  }

  /** All that have a name here, the one that the server is for first. */
  get all(): readonly Embedder[] {
    return [this.#primary, this.#light].filter((embedder) => embedder !== undefined);
  }

  /** @returns the embedder that served in its place, which is the caller's to close. */
  replacePrimary(embedder: Embedder): Embedder | undefined {
    const old = this.#primary;
    this.#primary = embedder;
    return old;
  }

  /**
   * For requests without a name: the model that the server is for. @throws ModelUnavailableError where it could not be
   * opened: another would be another space.
   */
  get usual(): Embedder {
    if (this.#primary === undefined) throw this.#unavailable(this.#missing?.path ?? '');
    return this.#primary;
  }

  /**
   * By its id, or what follows the slash in it; the light model by its whole id alone while the name of the other is
   * not known.
   * @throws ModelNotServedError, or ModelUnavailableError where it may be the one that could not be opened.
   */
  named(name: string): Embedder {
    const found =
      this.all.find(({ space }) => space.modelId === name) ??
      (this.#missing === undefined ? this.all.find(({ space }) => namesOf(space).includes(name)) : undefined);
    if (found !== undefined) return found;
    if (this.#missing !== undefined) throw this.#unavailable(name);
    throw new ModelNotServedError(
      name,
      this.all.map(({ space }) => space.modelId),
    );
  }

  /**
   * By the fingerprint of its space. @throws SpaceNotServedError, or ModelUnavailableError where it may be the one that
   * could not be opened.
   */
  inSpace(fingerprint: string): Embedder {
    const found = this.all.find(({ space }) => space.fingerprint === fingerprint);
    if (found !== undefined) return found;
    if (this.#missing !== undefined) throw this.#unavailable(fingerprint);
    throw new SpaceNotServedError(
      fingerprint,
      this.all.map(({ space }) => space),
    );
  }

  health(): Health {
    if (this.#primary !== undefined && isServing(this.#primary)) {
      const { degraded, steps } = this.#primary.fallback;
      const [first] = steps;
      return {
        status: degraded ? 'degraded' : 'ok',
        embedder: this.#primary,
        reason: degraded ? `${first?.name ?? 'the first backend'} is out: ${first?.reason ?? 'it failed'}` : undefined,
      };
    }
    const reason =
      this.#missing === undefined ? outReasons(this.#primary) : `${this.#missing.path}: ${this.#missing.reason}`;
    return this.#light === undefined
      ? { status: 'unavailable', reason }
      : { status: 'degraded', embedder: this.#light, reason };
  }

  /** Whether `close` was called. A ClosedError before that is a fault of this server, not a shutdown. */
  get closing(): boolean {
    return this.#closing;
  }

  async close(): Promise<void> {
    this.#closing = true;
    await Promise.all(this.all.map((embedder) => embedder.close()));
  }

  #unavailable(asked: string): ModelUnavailableError {
    return new ModelUnavailableError(
      asked,
      this.#missing?.reason ?? 'no model here is of that space',
      this.all.map(({ space }) => space),
    );
  }
}

/** The names that a model answers to. */
export function namesOf({ modelId }: EmbeddingSpace): readonly string[] {
  return [modelId, modelId.split('/').at(-1) ?? modelId];
}

/** A backend that is about to open counts as serving. */
function isServing(embedder: Embedder): boolean {
  return embedder.fallback.steps.some(({ state }) => state !== 'out');
}

function outReasons(embedder: Embedder | undefined): string {
  return (embedder?.fallback.steps ?? []).map(({ name, reason }) => `${name}: ${reason ?? 'not tried'}`).join('; ');
}
