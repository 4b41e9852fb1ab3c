import { expect, it } from '@jest/globals';
import { InvalidSafetensorsError } from '../errors.js';
import { parseSafetensors } from './parse-safetensors.js';

it('a file that breaks its format is refused by its name and the reason', () => {
  expect(() => parseSafetensors(new Uint8Array(7), 'folder: model.safetensors')).toThrow(
    new InvalidSafetensorsError('folder: model.safetensors', '7 bytes, a safetensors file has at least 8'),
  );
});

it('a header that no static model needs is refused before it is parsed', () => {
  const file = new Uint8Array(1_000_009);
  new DataView(file.buffer).setBigUint64(0, 1_000_001n, true);
  expect(() => parseSafetensors(file, 'large')).toThrow(
    new InvalidSafetensorsError('large', 'the header claims 1000001 bytes, the limit is 1000000'),
  );
});
