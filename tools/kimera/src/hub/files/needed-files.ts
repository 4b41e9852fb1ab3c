import { posix } from 'node:path';
import { HEAD_FILES, MODEL_FILES, TOKENIZER_FILES, TRANSFORMER_FILES, WEIGHT_FILES } from '@kimera/converter';
import { parseSpaceFile, type SpaceFile } from '@kimera/model-folder';
import { z } from 'zod';
import { InvalidRepositoryFileError, NotACheckpointError, UnsafeFileNameError } from '../errors.js';
import { checkNeededName } from './file-name.js';

/** Names that a conversion reads wherever they lie in a checkpoint. */
export const CONFIGURATION_FILES: readonly string[] = [
  'config.json',
  ...TOKENIZER_FILES.flat(),
  ...MODEL_FILES,
  ...TRANSFORMER_FILES,
];
const INDEX = '.index.json';
/** What a module of each kind has in its folder; the other kinds have nothing that is needed. */
const MODULE_PARTS: ReadonlyMap<string, readonly ('config' | 'weights')[]> = new Map([
  ['Pooling', ['config']],
  ['Dense', ['config', 'weights']],
] as const);

const modulesSchema = z.array(z.object({ path: z.string(), type: z.string() }));
const indexSchema = z.object({ weight_map: z.record(z.string(), z.string()) });

export interface NeededFiles {
  /** `model`: a converted one, which needs no conversion. */
  readonly kind: 'checkpoint' | 'model';
  readonly names: readonly string[];
  /** What a model folder says about its files. */
  readonly recorded: SpaceFile['files'];
}

/** A listing, and the text of a file in it. */
export interface RepositoryFiles {
  has(name: string): boolean;
  read(name: string): Promise<string>;
}

/**
 * The files of a repository that a conversion needs, or all of a model folder. @throws NotACheckpointError,
 * UnsafeFileNameError, InvalidRepositoryFileError, InvalidSpaceFileError, and the errors of `read`.
 */
export async function neededFiles(files: RepositoryFiles): Promise<NeededFiles> {
  if (files.has('space.json')) return modelFiles(files);
  const { transformer, others } = await moduleFolders(files);
  const inside = transformer === '.' ? '' : `${transformer}/`;
  const here = (name: string): string => `${inside}${name}`;
  const tokenizer = TOKENIZER_FILES.find((group) => group.every((name) => files.has(here(name))));
  const lacking: string[] = [];
  if (!files.has(here('config.json'))) lacking.push(here('config.json'));
  if (tokenizer === undefined) lacking.push(TOKENIZER_FILES.map((group) => group.map(here).join(' and ')).join(' or '));
  if (!WEIGHT_FILES.some((name) => files.has(here(name)))) lacking.push(WEIGHT_FILES.map(here).join(' or '));
  if (lacking.length > 0) throw new NotACheckpointError(lacking);
  const names = [
    ...[...MODEL_FILES, ...HEAD_FILES].filter((name) => files.has(name)),
    ...['config.json', ...(tokenizer ?? []), ...TRANSFORMER_FILES].map(here).filter((name) => files.has(name)),
  ];
  for (const folder of others) names.push(...(await moduleFiles(files, folder)));
  names.push(...(await weightFiles(files, inside)));
  return { kind: 'checkpoint', names: [...new Set(names.map(checkNeededName))], recorded: {} };
}

async function modelFiles(files: RepositoryFiles): Promise<NeededFiles> {
  const { files: recorded } = await parseSpaceFile(await files.read('space.json'), 'space.json');
  const names = Object.keys(recorded).map(checkNeededName);
  requireListed(files, names);
  return { kind: 'model', names: ['space.json', ...names.filter((name) => name !== 'space.json')], recorded };
}

interface ModuleFolder {
  readonly path: string;
  readonly parts: readonly ('config' | 'weights')[];
}

/** The folder of the Transformer, `.` for the repository itself, and those of the modules after it. */
async function moduleFolders(
  files: RepositoryFiles,
): Promise<{ readonly transformer: string; readonly others: readonly ModuleFolder[] }> {
  if (!files.has('modules.json')) return { transformer: '.', others: [] };
  const modules = parse('modules.json', modulesSchema, await files.read('modules.json'));
  const normal = (path: string): string => posix.normalize(path.replace(/\/+$/, '') || '.');
  const [first, ...rest] = modules;
  return {
    transformer: normal(first?.path ?? '.'),
    others: rest.flatMap(({ path, type }) => {
      const parts = MODULE_PARTS.get(type.slice(type.lastIndexOf('.') + 1)) ?? [];
      return parts.length === 0 ? [] : [{ path: normal(path), parts }];
    }),
  };
}

async function moduleFiles(files: RepositoryFiles, { path, parts }: ModuleFolder): Promise<readonly string[]> {
  const prefix = path === '.' ? '' : `${path}/`;
  const config = checkNeededName(`${prefix}config.json`);
  requireListed(files, [config]);
  if (!parts.includes('weights')) return [config];
  const weights = await weightFiles(files, prefix);
  if (weights.length === 0) throw new NotACheckpointError([`${prefix}${WEIGHT_FILES.join(` or ${prefix}`)}`]);
  return [config, ...weights];
}

/** @param prefix of the names: empty, or a folder with a slash. */
async function weightFiles(files: RepositoryFiles, prefix: string): Promise<readonly string[]> {
  const name = WEIGHT_FILES.map((file) => `${prefix}${file}`).find((file) => files.has(file));
  if (name === undefined) return [];
  if (!name.endsWith(INDEX)) return [name];
  const { weight_map: shardOf } = parse(name, indexSchema, await files.read(name));
  const shards = [...new Set(Object.values(shardOf))].map((shard) => {
    if (shard.includes('/')) throw new UnsafeFileNameError(shard, `a shard lies beside ${name}`);
    return checkNeededName(`${prefix}${shard}`);
  });
  requireListed(files, shards);
  return [name, ...shards];
}

/** @throws NotACheckpointError. */
function requireListed(files: RepositoryFiles, names: readonly string[]): void {
  const lacking = names.filter((name) => !files.has(name));
  if (lacking.length > 0) throw new NotACheckpointError(lacking);
}

function parse<T>(name: string, schema: z.ZodType<T>, text: string): T {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new InvalidRepositoryFileError(name, 'not JSON');
  }
  const parsed = schema.safeParse(value);
  if (!parsed.success)
    throw new InvalidRepositoryFileError(name, z.prettifyError(parsed.error).replaceAll('\n', ' ').slice(0, 300));
  return parsed.data;
}
