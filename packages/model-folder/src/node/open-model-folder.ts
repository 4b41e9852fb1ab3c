import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { isAbsence } from '@kimera/core';
import { ModelFileHashError, ModelFileMissingError, ModelFileSizeError, ModelFolderNotFoundError } from '../errors.js';
import { modelFolder, type ModelFolder } from '../model-folder.js';
import { parseSpaceFile } from '../parse-space-file.js';

/**
 * A folder on a disk; its files are there with their sizes, hashes only by {@link verifyFileHashes}. @throws
 * ModelFolderNotFoundError, InvalidSpaceFileError, ModelFileMissingError, ModelFileSizeError.
 */
export async function openModelFolder(path: string): Promise<ModelFolder> {
  const spacePath = join(path, 'space.json');
  let json: string;
  try {
    json = await readFile(spacePath, 'utf8');
  } catch (error) {
    if (isAbsence(error)) throw new ModelFolderNotFoundError(path);
    throw error;
  }
  const file = await parseSpaceFile(json, spacePath);
  for (const [name, { bytes }] of Object.entries(file.files)) {
    const actual = await fileSize(path, name);
    if (actual !== bytes) throw new ModelFileSizeError(join(path, name), bytes, actual);
  }
  return modelFolder(path, file);
}

/** Reads every file once. @throws ModelFileHashError at the first that differs. */
export async function verifyFileHashes(folder: ModelFolder): Promise<void> {
  for (const [name, { sha256 }] of Object.entries(folder.file.files)) {
    const actual = await fileSha256(join(folder.path, name));
    if (actual !== sha256) throw new ModelFileHashError(join(folder.path, name), sha256, actual);
  }
}

/** Bytes of a large file that are read at once. */
const CHUNK_BYTES = 1 << 20;

export async function fileSha256(path: string): Promise<string> {
  const hash = createHash('sha256');
  if ((await stat(path)).size > CHUNK_BYTES)
    await pipeline(createReadStream(path, { highWaterMark: CHUNK_BYTES }), hash);
  else hash.update(await readFile(path));
  return hash.digest('hex');
}

async function fileSize(folder: string, name: string): Promise<number> {
  try {
    return (await stat(join(folder, name))).size;
  } catch (error) {
    if (isAbsence(error)) throw new ModelFileMissingError(folder, name);
    throw error;
  }
}
