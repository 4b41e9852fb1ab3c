import { readdir, stat } from 'node:fs/promises';
import { extname, join, relative } from 'node:path';
import { NotInspectableError } from './errors.js';
import { inspectOnnx, type OnnxInspection } from '@kimera/onnx-file';
import { inspectSafetensors, type SafetensorsInspection } from '@kimera/tensor-file';

export interface InspectedFile {
  /** Relative to what was inspected, forward slashes. */
  readonly name: string;
  readonly bytes: number;
}

export interface FolderInspection {
  /** `model` has a space.json, `checkpoint` a config.json. */
  readonly kind: 'model' | 'checkpoint';
  readonly path: string;
  readonly bytes: number;
  readonly files: readonly InspectedFile[];
  /** Every .safetensors and .onnx file of the folder; their `path` is relative to it. */
  readonly parts: readonly (SafetensorsInspection | OnnxInspection)[];
}

export type Inspection = SafetensorsInspection | OnnxInspection | FolderInspection;

const INSPECTORS: Readonly<Record<string, (path: string) => Promise<SafetensorsInspection | OnnxInspection>>> = {
  '.safetensors': inspectSafetensors,
  '.onnx': inspectOnnx,
};
/** Files of one folder: model folders have about ten. */
const MAX_FILES = 1_000;
/** Folders below it: `onnx/`, `1_Pooling/`. */
const MAX_DEPTH = 3;

/**
 * A .safetensors or .onnx file, a model folder or a checkpoint folder: what they declare, without loading a number.
 * Links to files are followed, links to folders are not.
 * @throws NotInspectableError, InvalidCheckpointError, InvalidOnnxError, UnsafeExternalDataError, and the file system's
 * errors.
 */
export async function inspectPath(path: string): Promise<Inspection> {
  const status = await stat(path);
  if (status.isDirectory()) return inspectFolder(path);
  if (!status.isFile()) throw new NotInspectableError(path, 'neither a file nor a folder');
  const inspect = INSPECTORS[extname(path)];
  if (inspect === undefined)
    throw new NotInspectableError(path, `expected a folder, or a file of one of ${Object.keys(INSPECTORS).join(', ')}`);
  return inspect(path);
}

async function inspectFolder(path: string): Promise<FolderInspection> {
  const files: InspectedFile[] = [];
  await listFiles(path, path, 0, files);
  files.sort((a, b) => (a.name < b.name ? -1 : 1));
  const has = (name: string): boolean => files.some((file) => file.name === name);
  if (!has('space.json') && !has('config.json'))
    throw new NotInspectableError(path, 'neither a model folder (space.json) nor a checkpoint (config.json)');
  const parts: FolderInspection['parts'][number][] = [];
  for (const { name } of files) {
    const inspect = INSPECTORS[extname(name)];
    if (inspect !== undefined) parts.push({ ...(await inspect(join(path, name))), path: name });
  }
  return {
    kind: has('space.json') ? 'model' : 'checkpoint',
    path,
    bytes: files.reduce((sum, { bytes }) => sum + bytes, 0),
    files,
    parts,
  };
}

async function listFiles(root: string, folder: string, depth: number, files: InspectedFile[]): Promise<void> {
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory() && depth < MAX_DEPTH && !entry.name.startsWith('.'))
      await listFiles(root, path, depth + 1, files);
    // The hub's cache holds links to its blobs.
    const status = entry.isFile() || entry.isSymbolicLink() ? await stat(path).catch(() => undefined) : undefined;
    if (status === undefined || !status.isFile()) continue;
    if (files.length >= MAX_FILES) throw new NotInspectableError(root, `more than ${MAX_FILES} files`);
    files.push({ name: relative(root, path).replaceAll('\\', '/'), bytes: status.size });
  }
}
