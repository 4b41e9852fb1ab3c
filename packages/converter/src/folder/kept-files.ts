import { copyFile, mkdir, readdir, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { SpaceFile } from '@kimera/model-folder';
import type { Checkpoint } from '../checkpoint/checkpoint.js';
import { exists } from './write-folder.js';

/** Files of a Hugging Face folder that are kept as they are. */
export const KEPT_FILES: readonly string[] = [
  'tokenizer_config.json',
  'special_tokens_map.json',
  'modules.json',
  'sentence_bert_config.json',
  'config_sentence_transformers.json',
  'vocab.txt',
];
/** Files of a Dense module. */
const MODULE_FILES = ['config.json', 'model.safetensors', 'pytorch_model.bin'];

/** Copies the files that other libraries need beside the graphs. */
export async function keepFiles(checkpoint: Checkpoint, folder: string): Promise<void> {
  const dense = checkpoint.modules.afterPooling.flatMap((module) =>
    module.kind === 'dense' ? MODULE_FILES.map((name) => join(module.path, name)) : [],
  );
  const modules = (await exists(join(checkpoint.folder, 'modules.json'))) ? ['1_Pooling/config.json', ...dense] : [];
  for (const name of [...KEPT_FILES, ...modules]) {
    const from = join(checkpoint.folder, name);
    if (!(await exists(from))) continue;
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await copyFile(from, join(folder, name));
  }
  await writeFile(join(folder, 'tokenizer.json'), checkpoint.tokenizerJson);
  const config = {
    ...checkpoint.config,
    'transformers.js_config': { use_external_data_format: { 'model.onnx': true } },
  };
  await writeFile(join(folder, 'config.json'), `${JSON.stringify(config, null, 2)}\n`);
}

/** Size and SHA-256 of every file but space.json, in the order of their names; those in `known` are not read again. */
export async function listFiles(
  folder: string,
  hashFile: (path: string) => Promise<string>,
  known: SpaceFile['files'] = {},
): Promise<SpaceFile['files']> {
  const names = (await readdir(folder, { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile() && entry.name !== 'space.json')
    .map((entry) =>
      join(entry.parentPath, entry.name)
        .slice(folder.length + 1)
        .replaceAll('\\', '/'),
    )
    .sort();
  const entries = names.map(async (name): Promise<readonly [string, SpaceFile['files'][string]]> => {
    const path = join(folder, name);
    return [name, known[name] ?? { bytes: (await stat(path)).size, sha256: await hashFile(path) }];
  });
  return Object.fromEntries(await Promise.all(entries));
}
