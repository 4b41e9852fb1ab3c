import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { isStaticFolder, spaceAt } from '@kimera/backend-light';
import type { EmbeddingSpace } from '@kimera/core';
import { openModelFolder } from '@kimera/model-folder';
import { ModelAliasError, ModelNamesError } from './errors.js';
import { namesOf } from './serving-models.js';

/** A folder whose model is served under its own name and its aliases. */
export interface ConfiguredModel {
  readonly path: string;
  readonly space: EmbeddingSpace;
}

/** Models that the configuration names beside the one that the server is for, and the aliases of all. */
export class ConfiguredModels {
  readonly #models: ConfiguredModel[];
  readonly #aliases: ReadonlyMap<string, string>;

  private constructor(models: readonly ConfiguredModel[], aliases: ReadonlyMap<string, string>) {
    this.#models = [...models];
    this.#aliases = aliases;
  }

  /**
   * Reads what the folders are; no model is opened.
   * @param names what aliases may stand for: `models`, or also collections, which are not known yet.
   * @param served spaces of the models that the server is for: they keep their names.
   * @throws the errors of the folders; ModelNamesError where two models answer to one name; ModelAliasError.
   */
  static async read(
    { morePaths, aliases }: { readonly morePaths: readonly string[]; readonly aliases: ReadonlyMap<string, string> },
    served: readonly EmbeddingSpace[],
    names: 'models' | 'collections too',
  ): Promise<ConfiguredModels> {
    const read = await Promise.all(morePaths.map(async (path) => ({ path, space: await spaceAt(path) })));
    // The model that the server is for may be among them.
    const models = read.filter(({ space }) => !served.some(({ fingerprint }) => fingerprint === space.fingerprint));
    const known = new Map<string, string>();
    for (const space of [...served, ...models.map((model) => model.space)])
      for (const name of new Set(namesOf(space))) {
        const other = known.get(name);
        if (other !== undefined) throw new ModelNamesError(other, space.modelId);
        known.set(name, space.modelId);
      }
    for (const [alias, name] of aliases) {
      if (known.has(alias)) throw new ModelAliasError(alias, 'is the name of a model that is served');
      if (aliases.has(name)) throw new ModelAliasError(alias, `is of ${JSON.stringify(name)}, an alias itself`);
      if (names === 'models' && !known.has(name))
        throw new ModelAliasError(
          alias,
          `is of ${JSON.stringify(name)}, which is not here; there is ${[...new Set(known.values())].join(' and ')}`,
        );
    }
    return new ConfiguredModels(models, aliases);
  }

  get all(): readonly ConfiguredModel[] {
    return this.#models;
  }

  get aliases(): readonly string[] {
    return [...this.#aliases.keys()];
  }

  /** What an alias stands for, or the name itself. */
  resolve(name: string): string {
    return this.#aliases.get(name) ?? name;
  }

  /** By its id, or what follows the slash in it. */
  named(name: string): ConfiguredModel | undefined {
    return (
      this.#models.find(({ space }) => space.modelId === name) ??
      this.#models.find(({ space }) => namesOf(space).includes(name))
    );
  }

  /** Where a folder was replaced by one of another space. */
  changed(path: string, space: EmbeddingSpace): void {
    const index = this.#models.findIndex((model) => model.path === path);
    if (index >= 0) this.#models[index] = { path, space };
  }

  /** The same, where its model is not open. @throws the errors of the folder. */
  async readAgain(path: string): Promise<void> {
    this.changed(path, await spaceAt(path));
  }
}

/** Bytes of the files that a model is loaded from: of its largest variant where it has several. */
export async function bytesAt(path: string): Promise<number> {
  if (await isStaticFolder(path)) return (await stat(join(path, 'model.safetensors'))).size;
  const { file } = await openModelFolder(path);
  const sizes = Object.entries(file.files).filter(([name]) => name.startsWith('onnx/'));
  const weights = sizes.filter(([name]) => /_data|\.data/.test(name)).map(([, { bytes }]) => bytes);
  const graphs = sizes.filter(([name]) => !/_data|\.data/.test(name)).map(([, { bytes }]) => bytes);
  return Math.max(0, ...weights) + Math.max(0, ...graphs);
}
