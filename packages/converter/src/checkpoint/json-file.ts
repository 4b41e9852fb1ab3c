import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ifPresent } from '@kimera/core';
import { z } from 'zod';
import { InvalidConfigurationError } from '../errors.js';

/** A configuration file of a checkpoint, or undefined where there is none. @throws InvalidConfigurationError. */
export async function readJson<T>(folder: string, name: string, schema: z.ZodType<T>): Promise<T | undefined> {
  const text = await readText(folder, name);
  if (text === undefined) return undefined;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new InvalidConfigurationError(name, 'not JSON');
  }
  const parsed = schema.safeParse(value);
  if (!parsed.success) throw new InvalidConfigurationError(name, z.prettifyError(parsed.error).replaceAll('\n', ' '));
  return parsed.data;
}

export async function readText(folder: string, name: string): Promise<string | undefined> {
  return ifPresent(() => readFile(join(folder, name), 'utf8'));
}
