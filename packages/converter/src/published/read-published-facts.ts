import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { InvalidFactsFileError } from './invalid-facts-file-error.js';
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
