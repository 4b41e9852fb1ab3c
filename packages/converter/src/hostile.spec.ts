import { copyFile, cp, mkdtemp, rm } from 'node:fs/promises';
import { readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { KimeraError } from '@kimera/core';
import { elementCount } from '@kimera/safetensors';
import { architectureOf } from './architectures/architecture-of.js';
import { openCheckpoint } from './checkpoint/checkpoint.js';
import { openWeights } from './checkpoint/open-weights.js';
import { openSafetensors, type TensorSource } from '@kimera/tensor-file';
import { checkpoints, root } from './fixtures.fixture.js';
import { CheckpointModel } from './model/checkpoint-model.js';
import { openTorch } from '@kimera/torch-file';

interface Item {
  readonly file: string;
  readonly wrong: string;
  readonly format: 'safetensors' | 'torch' | 'config' | 'index' | 'modules' | 'pooling';
  readonly expected_error: string;
  readonly also_acceptable?: readonly string[];
  readonly beside?: readonly string[];
}

const folder = join(root, 'fixtures/hostile-checkpoints');
const items = JSON.parse(readFileSync(join(folder, 'index.json'), 'utf8')) as readonly Item[];
/** The kinds of the index that each of our codes stands for. */
const KINDS: Readonly<Record<string, readonly string[]>> = {
  INVALID_CHECKPOINT: ['invalid_safetensors', 'truncated', 'invalid_checkpoint'],
  LFS_POINTER: ['lfs_pointer'],
  RESOURCE_LIMIT: ['resource_limit'],
  INVALID_CONFIGURATION: [
    'invalid_config',
    'unsupported_config',
    'resource_limit',
    'invalid_modules',
    'invalid_pooling',
  ],
  UNSUPPORTED_MODEL: [
    'unsupported_config',
    'unsupported_model',
    'unsupported_dtype',
    'unsupported_module',
    'unsupported_pooling',
    'invalid_config',
  ],
  CHECKPOINT_FILE_MISSING: ['missing_shard', 'missing_file'],
  UNSAFE_PATH: ['path_traversal'],
  INVALID_INDEX: ['invalid_index'],
  UNKNOWN_KEY: ['invalid_config'],
  REMOTE_CODE: ['unsupported_model'],
  MISSING_TENSOR: ['missing_tensor'],
  TENSOR_SHAPE: ['shape_mismatch'],
  FORBIDDEN_GLOBAL: ['forbidden_global'],
  FORBIDDEN_OPCODE: ['forbidden_opcode'],
  INVALID_PICKLE: ['invalid_pickle'],
  INVALID_ZIP: ['invalid_zip'],
  UNSUPPORTED_TORCH_FILE: ['unsupported_checkpoint', 'unsupported_zip'],
  MISSING_STORAGE: ['missing_storage'],
  STORAGE_SIZE: ['storage_too_short', 'storage_size_mismatch'],
  TENSOR_BOUNDS: ['tensor_out_of_bounds'],
  ACCEPTED: [
    'accepted_safely',
    'accepted_with_default',
    'accepted_with_warning',
    'accepted_last_wins',
    'accepted_with_swap',
  ],
};

let scratch = '';
beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'kimera-hostile-'));
});
afterAll(() => rm(scratch, { recursive: true, force: true }));

async function readAll(opening: Promise<TensorSource>): Promise<void> {
  const tensors = await opening;
  try {
    for (const name of tensors.names)
      await tensors.bytes(name, { from: 0, count: elementCount(tensors.shape(name) ?? []) });
  } finally {
    await tensors.close();
  }
}

async function openChanged(item: Item, name: string): Promise<void> {
  const copy = join(scratch, item.file);
  await cp(join(checkpoints, 'bert-tiny-mean'), copy, { recursive: true });
  await copyFile(join(folder, item.file), join(copy, name));
  const checkpoint = await openCheckpoint(copy);
  try {
    new CheckpointModel(checkpoint, architectureOf(checkpoint));
  } finally {
    await checkpoint.tensors.close();
  }
}

const OPENERS: Readonly<Record<Item['format'], (item: Item) => Promise<void>>> = {
  safetensors: ({ file }) => readAll(openSafetensors(join(folder, file))),
  torch: ({ file }) => readAll(openTorch(join(folder, file))),
  config: (item) => openChanged(item, 'config.json'),
  modules: (item) => openChanged(item, 'modules.json'),
  pooling: (item) => openChanged(item, '1_Pooling/config.json'),
  async index({ file, beside = [] }) {
    const copy = join(scratch, `${basename(file)}-folder`);
    await cp(join(folder, file), join(copy, 'model.safetensors.index.json'));
    for (const shard of beside) await cp(join(folder, dirname(file), shard), join(copy, shard));
    await readAll(openWeights(copy));
  },
};

async function outcome(item: Item): Promise<readonly string[]> {
  try {
    await OPENERS[item.format](item);
  } catch (error) {
    if (!(error instanceof KimeraError)) throw error;
    return KINDS[error.code] ?? [error.code];
  }
  return KINDS['ACCEPTED'] ?? [];
}

describe('hostile checkpoints', () => {
  it.each(items)('$file: $wrong', async (item) => {
    const fair = [item.expected_error, ...(item.also_acceptable ?? [])];
    expect((await outcome(item)).filter((kind) => fair.includes(kind))).not.toEqual([]);
    expect(Object.getOwnPropertyNames(Object.prototype)).toHaveLength(12);
  });
});
