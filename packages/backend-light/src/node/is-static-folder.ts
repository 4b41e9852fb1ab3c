import { z } from 'zod';
import { folderFiles } from './folder-files.js';
import { readText } from '../folder/file-source.js';
import { STATIC_SPACE_SCHEMA } from '../folder/static-space-file.js';

const taggedSchema = z.looseObject({ schema: z.literal(STATIC_SPACE_SCHEMA) });

/** Whether the folder's space.json says that it is a static model of ours; nothing else of it is looked at. */
export async function isStaticFolder(path: string): Promise<boolean> {
  const json = await readText(folderFiles(path), 'space.json');
  if (json === undefined) return false;
  try {
    return taggedSchema.safeParse(JSON.parse(json)).success;
  } catch {
    return false;
  }
}
