import { copyFile, cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { KimeraError } from '@kimera/core';
import { NotInspectableError } from './errors.js';
import { checkpoints, root } from './fixtures.fixture.js';
import { inspectPath } from './inspect-path.js';

const shipped = join(root, 'models/all-MiniLM-L6-v2');
let scratch = '';
beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'kimera-inspect-'));
  await writeFile(join(scratch, 'data.bin'), new Uint8Array(64));
});
afterAll(() => rm(scratch, { recursive: true, force: true }));

describe('inspectPath', () => {
  it('reads a model folder and a checkpoint with their parts', async () => {
    const folder = await inspectPath(shipped);
    expect(folder).toMatchObject({
      kind: 'model',
      parts: [
        { path: 'onnx/int8_self_test.onnx', outputs: [{ name: 'holds' }] },
        { path: 'onnx/model.onnx' },
        {
          path: 'onnx/model_fast.onnx',
          inputs: [{ name: 'input_ids' }, { name: 'token_places' }, { name: 'groups' }],
          outputs: [
            { name: 'dense', shape: ['batch', 384] },
            { name: 'pooled', shape: ['batch', 384] },
          ],
        },
        { path: 'onnx/model_int8.onnx', outputs: [{ name: 'dense' }, { name: 'pooled' }] },
        { path: 'onnx/model_int8_unsigned.onnx', outputs: [{ name: 'dense' }, { name: 'pooled' }] },
      ],
    });
    const checkpoint = await inspectPath(join(checkpoints, 'bert-tiny-mean'));
    const header = { kind: 'checkpoint', parts: [{ kind: 'safetensors', path: 'model.safetensors' }] };
    expect(checkpoint).toMatchObject(header);
    const [part] = 'parts' in checkpoint ? checkpoint.parts : [];
    const word = part?.tensors.find(({ name }) => name.endsWith('word_embeddings.weight'));
    const config = JSON.parse(await readFile(join(checkpoints, 'bert-tiny-mean/config.json'), 'utf8')) as {
      readonly vocab_size: number;
      readonly hidden_size: number;
    };
    expect(word).toMatchObject({
      type: 'F32',
      shape: [config.vocab_size, config.hidden_size],
      bytes: 4 * config.vocab_size * config.hidden_size,
    });
  });

  it('follows a link to a file, as the hub’s cache has them', async () => {
    const linked = join(scratch, 'linked');
    await mkdir(linked);
    for (const name of ['config.json', 'model.safetensors'])
      await symlink(join(checkpoints, 'bert-tiny-mean', name), join(linked, name));
    expect(await inspectPath(linked)).toMatchObject({ kind: 'checkpoint', parts: [{ path: 'model.safetensors' }] });
  });

  it('refuses a folder and a file of no known kind', async () => {
    await expect(inspectPath(scratch)).rejects.toBeInstanceOf(NotInspectableError);
    await expect(inspectPath(join(scratch, 'data.bin'))).rejects.toBeInstanceOf(NotInspectableError);
    await expect(inspectPath('/dev/null')).rejects.toBeInstanceOf(NotInspectableError);
  });
});

/** Codes of a safetensors file that is refused. */
const REFUSALS = ['INVALID_CHECKPOINT', 'RESOURCE_LIMIT', 'LFS_POINTER'];

describe('hostile checkpoints', () => {
  it('every malformed safetensors file is refused by name', async () => {
    const folder = join(root, 'fixtures/hostile-checkpoints');
    const items = JSON.parse(await readFile(join(folder, 'index.json'), 'utf8')) as readonly {
      readonly file: string;
      readonly expected_error: string;
      readonly also_acceptable?: readonly string[];
    }[];
    const safetensors = items.filter(({ file }) => file.endsWith('.safetensors'));
    expect(safetensors.length).toBeGreaterThan(40);
    for (const { file, expected_error, also_acceptable = [] } of safetensors) {
      const outcome = await inspectPath(join(folder, file)).then(
        () => 'accepted',
        (error: unknown) => (error instanceof KimeraError ? error.code : `crash: ${String(error)}`),
      );
      // A type that is not converted can be shown; a value that is wrong can only be seen by reading it.
      const fair = [expected_error, ...also_acceptable].some(
        (kind) => kind.startsWith('accepted') || kind === 'unsupported_dtype',
      );
      expect([file, [...REFUSALS, ...(fair ? ['accepted'] : [])].includes(outcome) ? 'as it should' : outcome]).toEqual(
        [file, 'as it should'],
      );
    }
  });

  it('a folder with one malformed part is refused', async () => {
    const folder = join(scratch, 'broken');
    await cp(join(checkpoints, 'bert-tiny-mean'), folder, { recursive: true });
    await copyFile(
      join(root, 'fixtures/hostile-checkpoints/safetensors/overlap.safetensors'),
      join(folder, 'model.safetensors'),
    );
    await expect(inspectPath(folder)).rejects.toMatchObject({ code: 'INVALID_CHECKPOINT' });
  });
});
