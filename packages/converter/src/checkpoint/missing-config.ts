import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { ifPresent, type KimeraError } from '@kimera/core';
import { z } from 'zod';
import { NoCheckpointError } from '../errors.js';
import { ADAPTER_CONFIG } from './adapter.js';
import { readJson } from './json-file.js';

/** `OWNER/NAME` or `NAME`, as on the hub. */
const HUB_ID = /^[A-Za-z0-9][\w.-]*(?:\/[A-Za-z0-9][\w.-]*)?$/;

/** Why a folder without config.json is not a checkpoint: what it is instead, and what to do. */
export async function missingConfig(folder: string): Promise<KimeraError> {
  const names = await ifPresent(() => readdir(folder));
  if (names === undefined)
    return new NoCheckpointError(
      folder,
      HUB_ID.test(folder) && folder.includes('/')
        ? `there is no such folder; if it is the name of a model on the hub, "kimera models pull ${folder}" fetches it`
        : 'there is no such folder',
    );
  const is = (found: string): KimeraError => new NoCheckpointError(folder, found);
  if (names.includes('snapshots')) {
    const [snapshot = ''] = (await readdir(join(folder, 'snapshots')).catch(() => [])).slice(-1);
    return is(`it is a folder of the hub's cache; the checkpoint is ${join(folder, 'snapshots', snapshot)}`);
  }
  if (names.some((name) => name.startsWith('models--')))
    return is(
      `it is the hub's cache; a checkpoint is one of its snapshots: ${names.find((name) => name.startsWith('models--')) ?? ''}/snapshots/COMMIT`,
    );
  if (names.includes(ADAPTER_CONFIG)) {
    const adapter = await readJson(
      folder,
      ADAPTER_CONFIG,
      z.looseObject({ base_model_name_or_path: z.string().nullish() }),
    );
    return is(
      `it holds an adapter alone; put config.json, the weights and the tokenizer of its base ${adapter?.base_model_name_or_path ?? ''} into the folder too, and the two are merged`,
    );
  }
  if (names.includes('space.json'))
    return is('it is a model folder, converted already: "kimera embed --model" and "kimera serve --model" take it');
  if (names.some((name) => /\.gguf$/.test(name))) return is('it holds GGUF files, which are not read');
  const inner = names.filter((name) => /^\d+_/.test(name)).join(', ');
  return is(
    inner === ''
      ? 'it is not a Hugging Face checkpoint'
      : `it holds modules (${inner}) and no modules.json that names them`,
  );
}
