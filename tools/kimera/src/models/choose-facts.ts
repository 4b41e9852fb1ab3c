import { openModelFolder } from '@kimera/model-folder';
import { BGE_M3_FACTS } from '../assets.js';
import type { PublishedFacts } from '../published/published-facts.js';
import { builtInFacts, readPublishedFacts } from '../published/read-published-facts.js';
import { isOpeningError } from './opening-error.js';

/** Those that come with the tool, or those of a file. */
export type FactsChoice = 'bge-m3' | { readonly file: string };

/**
 * The facts that were chosen, or without a choice those that are known of the folder's own model id, or none. @throws
 * InvalidFactsFileError, ModelFolderNotFoundError.
 */
export async function chooseFacts(
  folder: string,
  choice: FactsChoice | undefined,
): Promise<PublishedFacts | undefined> {
  const path =
    choice === undefined ? builtInFacts(await modelIdOf(folder)) : choice === 'bge-m3' ? BGE_M3_FACTS : choice.file;
  return path === undefined ? undefined : readPublishedFacts(path);
}

/** Nothing is known of a folder that does not open; its checks say so. */
async function modelIdOf(folder: string): Promise<string> {
  try {
    return (await openModelFolder(folder)).space.modelId;
  } catch (error) {
    if (isOpeningError(error)) return '';
    throw error;
  }
}
