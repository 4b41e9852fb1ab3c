import { readFile, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { ifPresent } from '@kimera/core';
import {
  CheckpointFileMissingError,
  InvalidIndexError,
  MissingTensorError,
  ResourceLimitError,
  UnsafePathError,
} from './errors.js';
import type { TensorSource } from './tensor-source.js';

/** An index of 50,000 tensors has 5 MB. */
const MAX_INDEX_BYTES = 64 << 20;
/** Files that are held open at once. */
const MAX_SHARDS = 1_000;

/**
 * The tensors that an index (`weight_map`: tensor → file beside it) lists. Its `total_size` is not trusted and not
 * needed. @throws InvalidIndexError, UnsafePathError, CheckpointFileMissingError, MissingTensorError.
 */
export async function openSharded(
  path: string,
  openShard: (path: string) => Promise<TensorSource>,
): Promise<TensorSource> {
  const files = await readIndex(path);
  const names = new Set(files.values());
  if (names.size > MAX_SHARDS) throw new ResourceLimitError(path, 'shards', names.size, MAX_SHARDS);
  const shards = new Map<string, TensorSource>();
  const close = async (): Promise<void> => {
    for (const shard of shards.values()) await shard.close();
  };
  try {
    for (const name of names) {
      const shard = await ifPresent(() => openShard(join(dirname(path), name)));
      if (shard === undefined) throw new CheckpointFileMissingError(dirname(path), name);
      shards.set(name, shard);
    }
    const shardOf = (tensor: string): TensorSource => {
      const shard = shards.get(files.get(tensor) ?? '');
      if (shard?.entry(tensor) === undefined) throw new MissingTensorError(tensor);
      return shard;
    };
    for (const tensor of files.keys()) shardOf(tensor);
    return {
      names: [...files.keys()],
      entry: (name) => (files.has(name) ? shardOf(name).entry(name) : undefined),
      shape: (name) => (files.has(name) ? shardOf(name).shape(name) : undefined),
      location: async (name) => shardOf(name).location(name),
      bytes: (name, range, memory) => shardOf(name).bytes(name, range, memory),
      read: async (name, range) => shardOf(name).read(name, range),
      slices: (name) => shardOf(name).slices(name),
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

async function readIndex(path: string): Promise<ReadonlyMap<string, string>> {
  const { size } = await stat(path);
  if (size > MAX_INDEX_BYTES) throw new ResourceLimitError(path, 'bytes of the index', size, MAX_INDEX_BYTES);
  let value: unknown;
  try {
    value = JSON.parse(await readFile(path, 'utf8'));
  } catch {
    throw new InvalidIndexError(path, 'not JSON');
  }
  const map = isObject(value) ? value['weight_map'] : undefined;
  if (!isObject(map) || Array.isArray(map)) throw new InvalidIndexError(path, 'no weight_map');
  const files = new Map<string, string>();
  for (const [tensor, file] of Object.entries(map)) {
    if (typeof file !== 'string' || file === '') throw new InvalidIndexError(path, `tensor ${tensor} has no file name`);
    // Only a file name is allowed: no folder, no drive, no URL.
    if (file === '.' || file === '..' || /[/\\:\0]/.test(file)) throw new UnsafePathError(path, file);
    files.set(tensor, file);
  }
  if (files.size === 0) throw new InvalidIndexError(path, 'weight_map is empty');
  return files;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}
