import type { EmbeddingSpace } from '@kimera/core';
import type { Embedder } from '@kimera/embedder';
import { findModelOfSpace } from '@kimera/serving';
import type { CommandContext } from '../console/command-context.js';
import { openModel } from './open-model.js';

/** The model of a space, among the folders. @param threads default: all processors. @throws ModelOfSpaceNotFoundError. */
export async function openModelOfSpace(
  context: CommandContext,
  folders: readonly string[],
  space: EmbeddingSpace,
  threads?: number,
): Promise<Embedder> {
  return openModel(context, { path: await findModelOfSpace(folders, space), threads });
}
