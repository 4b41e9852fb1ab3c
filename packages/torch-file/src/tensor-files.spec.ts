import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from '@jest/globals';
import { elementCount } from '@kimera/safetensors';
import { openSafetensors } from '@kimera/tensor-file';
import { openTorch } from './open-torch.js';

const root = join(fileURLToPath(import.meta.url), '../../../..');

interface Expected {
  readonly optional: boolean;
  readonly tensors: Readonly<
    Record<string, { readonly dtype: string; readonly shape: readonly number[]; readonly data: string }>
  >;
}

/** Files that a reader may refuse (expected.json says so), and we do. */
const REFUSED = ['deflated.pt'];

describe.each([
  ['torch-files', openTorch],
  ['safetensors-files', openSafetensors],
] as const)('%s', (folder, open) => {
  const path = join(root, 'fixtures', folder);
  const { files } = JSON.parse(readFileSync(join(path, 'expected.json'), 'utf8')) as {
    readonly files: Readonly<Record<string, Expected>>;
  };

  it.each(Object.keys(files).filter((file) => !REFUSED.includes(file)))(
    '%s: every tensor has the bytes that the library gives, whole and in pieces',
    async (file) => {
      const expected = Object.entries(files[file]?.tensors ?? {});
      const source = await open(join(path, file));
      expect([...source.names].sort()).toEqual(expected.map(([name]) => name).sort());
      for (const [name, { dtype, shape, data }] of expected) {
        expect(source.entry(name)).toMatchObject({ type: dtype, shape });
        const count = elementCount(shape);
        expect(Buffer.from(await source.bytes(name, { from: 0, count })).toString('base64')).toBe(data);
        const cut = Math.floor(count / 3);
        const pieces = [
          await source.bytes(name, { from: 0, count: cut }),
          await source.bytes(name, { from: cut, count: count - cut }),
        ];
        expect(Buffer.concat(pieces).toString('base64')).toBe(data);
      }
      await source.close();
    },
  );
});

it('a compressed torch file is refused by name', async () => {
  await expect(openTorch(join(root, 'fixtures/torch-files/deflated.pt'))).rejects.toMatchObject({
    code: 'UNSUPPORTED_TORCH_FILE',
  });
});

it('numbers that are not finite, and types that no weight has, are refused when they are read as weights', async () => {
  const special = await openTorch(join(root, 'fixtures/torch-files/special_values.pt'));
  await expect(special.read('f32')).rejects.toMatchObject({ code: 'TENSOR_NOT_FINITE', index: 2 });
  await expect(special.read('absent')).rejects.toMatchObject({ code: 'MISSING_TENSOR' });
  await special.close();
  const types = await openTorch(join(root, 'fixtures/torch-files/dtypes.pt'));
  await expect(types.read('i64')).rejects.toMatchObject({ code: 'UNSUPPORTED_MODEL', actual: 'I64' });
  await types.close();
});
