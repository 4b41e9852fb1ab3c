import { createHash } from 'node:crypto';
import { mkdtemp, open, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { openSafetensors, InvalidCheckpointError } from '@kimera/tensor-file';
import { root } from '../run-kimera.fixture.js';
import { openTorch } from '@kimera/torch-file';
import { bgeM3Tensors } from './bge-m3.js';
import { bgeM3Tokenizer } from './bge-m3-tokenizer.js';
import { synthesizeBgeM3 } from './synthesize-checkpoint.js';
import { syntheticBytes, type SyntheticTensor } from './synthetic-tensor.js';
import { writeSafetensors } from './write-safetensors.js';
import { writeTorchZip } from './write-torch-zip.js';

let scratch = '';
beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'kimera-synthesize-'));
});
afterAll(() => rm(scratch, { recursive: true, force: true }));

const tensors: readonly SyntheticTensor[] = [
  { name: 'a.weight', shape: [3, 70], type: 'F32', mean: 0, deviation: 0.02 },
  { name: 'ü', shape: [1], type: 'F16', mean: 1, deviation: 0.5 },
  { name: 'LayerNorm.weight', shape: [33], type: 'F32', mean: 1, deviation: 0.02 },
];

describe('random tensors', () => {
  it.each([
    ['a torch zip', writeTorchZip, openTorch],
    ['safetensors', writeSafetensors, openSafetensors],
  ])('%s is read back: names, types, shapes and bytes', async (kind, write, read) => {
    const path = join(scratch, kind);
    const file = await open(path, 'w');
    let written = 0;
    await write(file, path, tensors, 7, (bytes) => (written += bytes));
    await file.close();
    const source = await read(path);
    expect(source.names).toEqual(tensors.map(({ name }) => name));
    let expected = 0;
    for (const tensor of tensors) {
      expect(source.entry(tensor.name)).toMatchObject({ type: tensor.type, shape: tensor.shape });
      const bytes = Buffer.concat([...syntheticBytes(tensor, 7)]);
      expected += bytes.length;
      expect(
        Buffer.from(
          await source.bytes(tensor.name, { from: 0, count: tensor.shape.reduce((a, b) => a * b, 1) }),
        ).equals(bytes),
      ).toBe(true);
    }
    expect(written).toBe(expected);
    await source.close();
  });

  it('are normally distributed, the same for the same seed, others for another', () => {
    const bytes = (seed: number): Buffer =>
      Buffer.concat([...syntheticBytes({ name: 'w', shape: [200, 500], type: 'F32', mean: 3, deviation: 0.5 }, seed)]);
    const bytes1 = bytes(1);
    const values = Array.from({ length: 100_000 }, (_, i) => bytes1.readFloatLE(i * 4));
    const mean = (numbers: readonly number[]): number =>
      numbers.reduce((sum, value) => sum + value, 0) / numbers.length;
    expect(mean(values)).toBeCloseTo(3, 1);
    expect(Math.sqrt(mean(values.map((value) => (value - 3) ** 2)))).toBeCloseTo(0.5, 1);
    // Two thirds within one deviation.
    expect(values.filter((value) => Math.abs(value - 3) < 0.5).length / values.length).toBeCloseTo(0.683, 1);
    expect(bytes(1).equals(bytes1)).toBe(true);
    expect(bytes(2).equals(bytes1)).toBe(false);
  });
});

describe('bge-m3', () => {
  it('has the published number of numbers', () => {
    // pytorch_model.bin has 2,271,145,830 bytes: 567,754,752 float32 and some kB of names.
    expect(bgeM3Tensors(24).reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1), 0)).toBe(567_754_752);
  });

  it('has its published tokenizer, byte for byte, out of the one that ships; any other source is refused', async () => {
    const source = await readFile(join(root, 'models/multilingual-e5-small/tokenizer.json'), 'utf8');
    expect(createHash('sha256').update(bgeM3Tokenizer(source)).digest('hex')).toBe(
      '21106b6d7dab2952c1d496fb21d5dc9db75c28ed361a05f5020bbba27810dd08',
    );
    expect(() => bgeM3Tokenizer(source.replace('"lstrip": false', '"lstrip": true').replace('▁the', '▁teh'))).toThrow(
      InvalidCheckpointError,
    );
  });

  it('leaves nothing where it is stopped', async () => {
    const controller = new AbortController();
    const onProgress = (): void => controller.abort(new Error('enough'));
    await expect(
      synthesizeBgeM3({
        out: join(scratch, 'stopped'),
        format: 'bin',
        layers: 1,
        seed: 1,
        tokenizerJson: '{}',
        onProgress,
        signal: controller.signal,
      }),
    ).rejects.toThrow('enough');
    expect((await readdir(scratch)).filter((name) => name.startsWith('stopped'))).toEqual([]);
  });
});
