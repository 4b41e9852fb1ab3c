import { copyFile, mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { SpaceFile } from '@kimera/model-folder';
import type { Checkpoint } from '../checkpoint/checkpoint.js';
import { readText } from '../checkpoint/json-file.js';
import { ADDED_TOKENS, SPECIAL_TOKENS_MAP, TOKENIZER_CONFIG } from '../checkpoint/tokenizer/effective-tokenizer.js';
import { MODEL_SETTINGS, TRANSFORMER_CONFIGS } from '../checkpoint/transformer-config.js';
import { exists } from './write-folder.js';

/**
 * Files of the Transformer that are kept as they are. An adapter is not: it is merged into the weights.
 */
const KEPT_FILES = [
  TOKENIZER_CONFIG,
  SPECIAL_TOKENS_MAP,
  ADDED_TOKENS,
  ...TRANSFORMER_CONFIGS,
  'vocab.txt',
  'vocab.json',
  'merges.txt',
];
/** Files of the modules after the Transformer. */
const MODULE_FILES = ['config.json', 'model.safetensors', 'pytorch_model.bin'];

/**
 * Copies the files that other libraries need beside the graphs. The Transformer's files come to the top of the folder,
 * and modules.json says so; the other modules keep their folders.
 */
export async function keepFiles(checkpoint: Checkpoint, folder: string): Promise<void> {
  const modules = checkpoint.moduleFolders.flatMap((path) => MODULE_FILES.map((name) => join(path, name)));
  const kept: readonly (readonly [string, readonly string[]])[] = [
    [checkpoint.folder, ['config_sentence_transformers.json', ...modules]],
    [checkpoint.transformer, KEPT_FILES],
  ];
  for (const [root, names] of kept)
    for (const name of names) {
      const from = join(root, name);
      if (!(await exists(from))) continue;
      await mkdir(dirname(join(folder, name)), { recursive: true });
      if (TRANSFORMER_CONFIGS.includes(name))
        await writeFile(join(folder, name), withoutLoading(await readFile(from, 'utf8')));
      else await copyFile(from, join(folder, name));
    }
  const chain = await readText(checkpoint.folder, 'modules.json');
  if (chain !== undefined) await writeFile(join(folder, 'modules.json'), atTheTop(chain));
  await writeFile(join(folder, 'tokenizer.json'), checkpoint.tokenizerJson);
  const config = {
    ...checkpoint.config,
    'transformers.js_config': { use_external_data_format: { 'model.onnx': true } },
  };
  await writeFile(join(folder, 'config.json'), `${JSON.stringify(config, null, 2)}\n`);
}

/** The Transformer's configuration without what says how its weights are loaded; the same text where nothing does. */
function withoutLoading(json: string): string {
  const entries = Object.entries(JSON.parse(json) as Readonly<Record<string, unknown>>);
  const kept = entries.filter(([key]) => !MODEL_SETTINGS.includes(key));
  return kept.length === entries.length ? json : `${JSON.stringify(Object.fromEntries(kept), null, 2)}\n`;
}

/** modules.json with the first module, the Transformer, in the folder itself. */
function atTheTop(json: string): string {
  const [first, ...rest] = JSON.parse(json) as readonly Readonly<Record<string, unknown>>[];
  return first?.['path'] === '' ? json : `${JSON.stringify([{ ...first, path: '' }, ...rest], null, 2)}\n`;
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
