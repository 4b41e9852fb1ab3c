import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { spaceAt } from '@kimera/backend-light';
import { ifPresent, type EmbeddingSpace } from '@kimera/core';
import { printable } from '../console/printable.js';

/** Characters of a prompt that are shown. */
const SHOWN = 40;

/** The same of a model folder of any kind. @throws ModelFolderNotFoundError, InvalidSpaceFileError. */
export async function describeFolder(folder: string): Promise<string> {
  return describeSpace(folder, await spaceAt(folder));
}

/**
 * What makes the vectors of a space, in one line: pooling, normalisation, limit, casing, prompts, similarity, heads.
 * @param folder of the model, whose tokenizer says the casing.
 */
export async function describeSpace(folder: string, space: EmbeddingSpace): Promise<string> {
  return [
    `${space.pooling.join(' + ')} pooling${space.promptPooling === undefined ? '' : ' without the prompt'}`,
    space.normalize ? 'normalised' : 'not normalised',
    ...(space.modules ?? []),
    `${space.maxTokens} tokens, cut at the ${space.truncationSide === 'left' ? 'beginning' : 'end'}${space.positions === undefined ? '' : `; positions for ${space.positions}`}`,
    await casingOf(folder),
    promptsOf(space),
    space.similarity === undefined ? 'similarity not said' : `${space.similarity} similarity`,
    [
      `dense ${space.dimension}`,
      ...(space.heads.includes('sparse') ? ['sparse'] : []),
      ...(space.heads.includes('colbert') ? [`colbert ${space.colbertDimension ?? space.dimension}`] : []),
    ].join(' + '),
  ].join('; ');
}

function promptsOf({ prompts, namedPrompts = {}, defaultRole }: EmbeddingSpace): string {
  const named = Object.entries({ ...prompts, ...namedPrompts }).filter(([, text]) => text !== '');
  if (named.length === 0) return 'no prompts';
  const shown = named.map(
    ([name, text]) => `${printable(name)} ${JSON.stringify(text.length > SHOWN ? `${text.slice(0, SHOWN)}…` : text)}`,
  );
  return `prompts ${shown.join(', ')}${defaultRole === undefined ? '' : ` (${printable(defaultRole)} where none is named)`}`;
}

/**
 * Whether upper and lower case are one to the tokenizer. The file has 17 MB in XLM-R: it is searched, not parsed. Of a
 * folder without tokenizer.json nothing is known.
 */
async function casingOf(folder: string): Promise<string> {
  const json = await ifPresent(() => readFile(join(folder, 'tokenizer.json'), 'latin1'));
  if (json === undefined) return 'casing by its own rule';
  const from = json.search(/"normalizer"\s*:/);
  const to = json.indexOf('"pre_tokenizer"', from);
  const normalizer = from < 0 ? '' : json.slice(from, to < 0 ? undefined : to);
  return /"lowercase"\s*:\s*true|"type"\s*:\s*"Lowercase"/.test(normalizer) ? 'lower-cased' : 'case kept';
}
