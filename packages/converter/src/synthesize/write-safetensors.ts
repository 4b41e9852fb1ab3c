import { syntheticBytes } from './synthetic-tensor.js';
import { counted, tensorBytes } from './write-torch-zip.js';
import type { WriteTensors } from './write-tensors.js';

/** Header and data of the safetensors format 0.8. */
export const writeSafetensors: WriteTensors = async (file, _path, tensors, seed, onBytes) => {
  let end = 0;
  const entries = tensors.map((tensor) => {
    const from = end;
    end += tensorBytes(tensor);
    return [tensor.name, { dtype: tensor.type, shape: tensor.shape, data_offsets: [from, end] }] as const;
  });
  const json = JSON.stringify({ __metadata__: { format: 'pt' }, ...Object.fromEntries(entries) });
  // The data starts at a multiple of 8; spaces fill the header.
  const header = Buffer.from(json.padEnd(Math.ceil(json.length / 8) * 8));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(header.length));
  await file.write(Buffer.concat([length, header]));
  for (const tensor of tensors) for (const chunk of counted(syntheticBytes(tensor, seed), onBytes)) await file.write(chunk);
};
