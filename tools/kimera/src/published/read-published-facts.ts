import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { BGE_M3_FACTS } from '../assets.js';
import { InvalidFactsFileError } from '../errors.js';
import { publishedFactsSchema, type PublishedFacts } from './published-facts.js';

/** @throws InvalidFactsFileError, and the system's own error where the file cannot be read. */
export async function readPublishedFacts(path: string): Promise<PublishedFacts> {
  const json = await readFile(path, 'utf8');
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch {
    throw new InvalidFactsFileError(path, 'not JSON');
  }
  const parsed = publishedFactsSchema.safeParse(value);
  if (!parsed.success) throw new InvalidFactsFileError(path, z.prettifyError(parsed.error).replaceAll('\n', ' '));
  return parsed.data;
}

/** Model id → file of the facts that come with the tool. */
const BUILT_IN_FACTS: ReadonlyMap<string, string> = new Map([['BAAI/bge-m3', BGE_M3_FACTS]]);

/** Path of the facts of a model by its exact id, or undefined. */
export function builtInFacts(modelId: string): string | undefined {
  return BUILT_IN_FACTS.get(modelId);
}
