import { NoMigrationError, type EmbeddingSpace } from '@kimera/core';
import type { Embedder } from '@kimera/embedder';
import type { MigrationParts } from '@kimera/migration';
import { findModelOfSpace } from '@kimera/serving';
import type { PostgresStore } from '@kimera/store-postgres';
import type { CommandContext } from '../../console/command-context.js';
import { StoppedError } from '../../errors.js';
import { openModel } from '../../models/open-model.js';
import { inputPath, modelFolders, resolveModel } from '../../models/resolve-model.js';
import { actor, openDatabase } from './database.js';
import type { ModelOptions } from './options.js';

export interface MigrationSession {
  readonly store: PostgresStore;
  readonly parts: MigrationParts & { readonly source: Embedder; readonly target: Embedder };
  readonly close: () => Promise<void>;
}

/**
 * Store and both models of a collection's migration. @param plan the target is named by `--to`; else the migration at
 * hand says which models. @param threads of each model; default: all processors. @throws StoppedError at once where it is
 * stopped meanwhile: models take seconds to open.
 */
export async function openSession(
  context: CommandContext,
  options: ModelOptions,
  purpose: 'plan' | 'go on',
  threads?: number,
): Promise<MigrationSession> {
  const { stop } = context;
  const opening = openParts(context, options, purpose, threads);
  let onStop: (() => void) | undefined;
  const stopped = new Promise<never>((_, reject) => {
    onStop = () => {
      reject(new StoppedError('stopped while the models were opened, nothing has changed; run the same command again'));
    };
    stop.addEventListener('abort', onStop);
    if (stop.aborted) onStop();
  });
  try {
    return await Promise.race([opening, stopped]);
  } catch (error) {
    if (stop.aborted)
      void opening.then(
        ({ close }) => close(),
        () => undefined,
      );
    throw error;
  } finally {
    if (onStop !== undefined) stop.removeEventListener('abort', onStop);
  }
}

async function openParts(
  context: CommandContext,
  options: ModelOptions,
  purpose: 'plan' | 'go on',
  threads: number | undefined,
): Promise<MigrationSession> {
  const store = await openDatabase(context, options.database);
  const opened: Embedder[] = [];
  const close = async (): Promise<void> => {
    await Promise.all(opened.map((embedder) => embedder.close()));
    await store.close();
  };
  try {
    const open = async (path: string): Promise<Embedder> => {
      const embedder = await openModel(context, { path, threads });
      opened.push(embedder);
      return embedder;
    };
    const spaces = await spacesOf(store, options.collection, purpose);
    const source = await open(await modelOf(context, options, spaces.source, options.from));
    const target = await open(await modelOf(context, options, spaces.target, options.to));
    return { store, close, parts: { store, collection: options.collection, source, target, by: actor() } };
  } catch (error) {
    await close();
    throw error;
  }
}

async function spacesOf(
  store: PostgresStore,
  collection: string,
  purpose: 'plan' | 'go on',
): Promise<{ readonly source: EmbeddingSpace | undefined; readonly target: EmbeddingSpace | undefined }> {
  const { activeSpace } = await store.collections.collection(collection);
  if (purpose === 'go on') {
    const { source, target } = await store.migrations.latestMigration(collection);
    return { source, target };
  }
  const active = (await store.vectors.spaces(collection)).find(({ fingerprint }) => fingerprint === activeSpace);
  return { source: active, target: undefined };
}

async function modelOf(
  context: CommandContext,
  { models, collection }: ModelOptions,
  space: EmbeddingSpace | undefined,
  given: string | undefined,
): Promise<string> {
  const more = models === undefined ? [] : [await inputPath(context, models)];
  if (given !== undefined) return resolveModel(context, given, more);
  if (space === undefined) throw new NoMigrationError(collection);
  return findModelOfSpace(modelFolders(context, more), space);
}
