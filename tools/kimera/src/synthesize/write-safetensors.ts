import { encodeHeader } from '@kimera/safetensors';
import { syntheticBytes, type WriteTensors } from './synthetic-tensor.js';
import { counted } from './write-torch-zip.js';

/** A safetensors file with the metadata that torch's library writes. */
export const writeSafetensors: WriteTensors = async (file, _path, tensors, seed, onBytes) => {
  await file.write(
    encodeHeader(
      tensors.map((tensor) => [tensor.name, tensor]),
      { format: 'pt' },
    ),
  );
  for (const tensor of tensors)
    for (const chunk of counted(syntheticBytes(tensor, seed), onBytes)) await file.write(chunk);
};
