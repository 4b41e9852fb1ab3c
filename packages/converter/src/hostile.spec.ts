import { copyFile, cp, mkdtemp, rm } from 'node:fs/promises';
import { readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { KimeraError } from '@kimera/core';
import { architectureOf } from './architectures/index.js';
import { openCheckpoint } from './checkpoint/checkpoint.js';
import { openSafetensors } from './checkpoint/safetensors.js';
import { checkpoints, root } from './fixtures.fixture.js';
import { ReferenceModel } from './reference/reference-model.js';

interface Item {
  readonly file: string;
  readonly wrong: string;
  readonly format: string;
  readonly expected_error: string;
  readonly also_acceptable?: readonly string[];
}

const folder = join(root, 'fixtures/hostile-checkpoints');
const items: readonly Item[] = JSON.parse(readFileSync(join(folder, 'index.json'), 'utf8'));
/** Our codes for the kinds of the index. */
const KINDS: Readonly<Record<string, readonly string[]>> = {
  INVALID_CHECKPOINT: ['invalid_safetensors', 'truncated', 'resource_limit', 'invalid_checkpoint', 'lfs_pointer'],
  INVALID_CONFIGURATION: ['invalid_config', 'unsupported_config', 'resource_limit'],
  UNSUPPORTED_MODEL: ['unsupported_config', 'unsupported_model', 'unsupported_dtype', 'invalid_config'],
  MISSING_TENSOR: ['missing_tensor'],
  TENSOR_SHAPE: ['shape_mismatch'],
  ACCEPTED: ['accepted_safely', 'accepted_with_default', 'accepted_with_warning', 'accepted_last_wins', 'accepted_with_swap'],
};

let scratch = '';
beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'kimera-hostile-'));
  await cp(join(checkpoints, 'bert-tiny-mean'), scratch, { recursive: true });
});
afterAll(() => rm(scratch, { recursive: true, force: true }));

async function outcome(item: Item): Promise<readonly string[]> {
  try {
    if (item.format === 'safetensors') {
      const tensors = await openSafetensors(join(folder, item.file));
      try {
        for (const name of tensors.names) await tensors.read(name);
      } finally {
        await tensors.close();
      }
    } else {
      await copyFile(join(folder, item.file), join(scratch, 'config.json'));
      const checkpoint = await openCheckpoint(scratch);
      try {
        new ReferenceModel(checkpoint, architectureOf(checkpoint));
      } finally {
        await checkpoint.tensors.close();
      }
    }
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
  });
});
