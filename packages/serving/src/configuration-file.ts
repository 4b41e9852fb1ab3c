import { readFile } from 'node:fs/promises';
import { isAbsolute, join } from 'node:path';
import { reasonOf } from '@kimera/core';
import { closest, distance } from 'fastest-levenshtein';
import { parseDocument, type Document } from 'yaml';
import { z } from 'zod';
import { FLAGS, SETTINGS, type Environment } from './configuration.js';
import { ENVIRONMENT } from './environment.js';
import { ConfigurationFileError, UnknownSettingError } from './errors.js';

const SECRETS = ENVIRONMENT.flatMap(({ name, isSecret }) => (isSecret === true ? [name] : []));
/** Names further apart than this are not taken for one another. */
const NEAR = 0.5;

const word = z.union([z.string(), z.number(), z.boolean()]);
const fileSchema = z.record(
  z.string(),
  z.union(
    [word, z.null(), z.array(word), z.record(z.string(), word)],
    'a text, a number, true, false, a list, or names with values',
  ),
);

/**
 * The variables with those of the file that KIMERA_CONFIG names, YAML or JSON: its keys are the variables' names. What
 * the environment sets counts before the file.
 * @param root folder that a relative path starts from.
 * @throws ConfigurationFileError, UnknownSettingError.
 */
export async function withConfigurationFile(environment: Environment, root: string): Promise<Environment> {
  const { KIMERA_CONFIG: path = '' } = environment;
  if (path === '') return environment;
  const file = await readConfigurationFile(isAbsolute(path) ? path : join(root, path));
  const given = Object.entries(environment).filter(([, value]) => value !== undefined && value !== '');
  return { ...file, ...Object.fromEntries(given) };
}

/** Each setting as the variable would have it. @throws ConfigurationFileError, UnknownSettingError. */
export async function readConfigurationFile(path: string): Promise<Environment> {
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    throw new ConfigurationFileError(path, reasonOf(error), { cause: error });
  });
  const document = parseDocument(text, { uniqueKeys: true });
  const [problem] = [...document.errors, ...document.warnings];
  if (problem !== undefined) throw new ConfigurationFileError(path, problem.message.split('\n')[0] ?? '');
  const parsed = fileSchema.safeParse(plain(path, document) ?? {});
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw new ConfigurationFileError(path, `${issue?.path.join('.') || 'the file'}: ${issue?.message ?? ''}`);
  }
  for (const name of Object.keys(parsed.data)) if (!SETTINGS.includes(name)) throw unknown(path, name);
  return Object.fromEntries(Object.entries(parsed.data).map(([name, value]) => [name, asText(path, name, value)]));
}

/** Aliases of YAML are not expanded: a few of them can make a text of any size. */
function plain(path: string, document: Document): unknown {
  try {
    return document.toJS({ maxAliasCount: 0 });
  } catch (error) {
    throw new ConfigurationFileError(path, 'aliases (*name) are not read', { cause: error });
  }
}

export interface Setting {
  readonly name: string;
  /** `(set)` in place of a secret; undefined: the default counts. */
  readonly value: string | undefined;
  /** The default, in words. */
  readonly usual: string;
}

/** Every setting, without secrets. */
export function describeSettings(environment: Environment): readonly Setting[] {
  return ENVIRONMENT.filter(({ name }) => SETTINGS.includes(name)).map(({ name, usual, isSecret }) => {
    const value = environment[name] === '' ? undefined : environment[name];
    return { name, value: value !== undefined && isSecret === true ? '(set)' : value, usual };
  });
}

function unknown(path: string, name: string): UnknownSettingError {
  const nearest = closest(name.toUpperCase(), [...SETTINGS]);
  const isNear = distance(name.toUpperCase(), nearest) <= NEAR * Math.max(name.length, nearest.length);
  return new UnknownSettingError(path, name, isNear ? nearest : undefined);
}

/** As the environment would have it: 1 and 0 for true and false, commas between items, `=` between name and value. */
function asText(path: string, name: string, value: z.infer<typeof fileSchema>[string]): string {
  const one = (item: z.infer<typeof word>): string => {
    // YAML reads 1e3, 0x10 and 007 as numbers: what a key was written as is lost.
    if (typeof item === 'number' && SECRETS.includes(name))
      throw new ConfigurationFileError(path, `${name}: expected a text, in quotes`);
    if (typeof item !== 'boolean') return String(item);
    if (!FLAGS.includes(name))
      throw new ConfigurationFileError(path, `${name}: ${item} is for settings that are 0 or 1`);
    return item ? '1' : '0';
  };
  const item = (text: string, separators: RegExp): string => {
    if (separators.test(text))
      throw new ConfigurationFileError(
        path,
        `${name}: an item with ${JSON.stringify(separators.source)} cannot be told`,
      );
    return text;
  };
  if (value === null) return '';
  if (Array.isArray(value)) return value.map((each) => item(one(each), /,/)).join(',');
  if (typeof value !== 'object') return one(value);
  return Object.entries(value)
    .map(([key, each]) => `${item(key, /[,=]/)}=${item(one(each), /[,=]/)}`)
    .join(',');
}
