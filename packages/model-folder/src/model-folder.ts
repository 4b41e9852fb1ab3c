import type { EmbeddingSpace } from '@kimera/core';
import { UnknownVariantError } from './errors.js';
import { embeddingSpace } from './parse-space-file.js';
import { decodeProbe, type Probe } from './probe.js';
import type { SpaceFile, SpaceFileVariant } from './space-file.js';

/** A model folder whose space.json holds. */
export interface ModelFolder {
  /** Of a folder on a disk, or the URL of one on a web server. */
  readonly path: string;
  readonly space: EmbeddingSpace;
  readonly probes: readonly Probe[];
  readonly file: SpaceFile;
}

export function modelFolder(path: string, file: SpaceFile): ModelFolder {
  return { path, file, space: embeddingSpace(file), probes: file.probes.map(decodeProbe) };
}

/** The named variant, or the folder's first. @throws UnknownVariantError. */
export function chooseVariant(folder: ModelFolder, name?: string): SpaceFileVariant {
  const { variants } = folder.file;
  const variant = name === undefined ? variants[0] : variants.find((candidate) => candidate.name === name);
  if (variant === undefined)
    throw new UnknownVariantError(
      name ?? '',
      variants.map((candidate) => candidate.name),
    );
  return variant;
}
