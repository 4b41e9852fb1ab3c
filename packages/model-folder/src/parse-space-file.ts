import type { EmbeddingSpace } from '@kimera/core';
import { decodeBase64 } from './base64.js';
import { type SpaceFile, spaceFileSchema } from './space-file.js';
import { checkSpaceFile } from './check-space-file.js';
import { InvalidSpaceFileError } from './errors.js';

/**
 * @param path only for the message. @throws InvalidSpaceFileError, also where it contradicts itself: a fingerprint that
 * is not the identity's, a graph without a hash, a probe of another dimension.
 */
export async function parseSpaceFile(json: string, path: string): Promise<SpaceFile> {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch (cause) {
    throw new InvalidSpaceFileError(path, `not JSON (${(cause as Error).message})`);
  }
  const file = await checkSpaceFile(spaceFileSchema, value, path);
  for (const { name, graphs } of file.variants) {
    for (const graph of [graphs.portable, graphs.fast, graphs.selfTest, graphs.unsigned]) {
      if (graph !== undefined && !Object.hasOwn(file.files, graph))
        throw new InvalidSpaceFileError(
          path,
          `graph ${graph} of variant ${name} is not among the files, so nothing vouches for it`,
        );
    }
  }
  for (const head of ['sparse', 'colbert'] as const) {
    if (file.heads.includes(head) !== (file[head] !== undefined))
      throw new InvalidSpaceFileError(path, `heads and ${head} contradict each other`);
    const without = file.probes.findIndex((probe) => (probe[head] !== undefined) !== file.heads.includes(head));
    if (without >= 0)
      throw new InvalidSpaceFileError(path, `probe ${without} and the heads contradict each other about ${head}`);
  }
  for (const [i, probe] of file.probes.entries()) {
    const vectors = decodeBase64(probe.colbert ?? '').length / 4 / (file.colbert?.dimension ?? 1);
    if (probe.colbert !== undefined && vectors !== probe.ids.length - 1) {
      throw new InvalidSpaceFileError(
        path,
        `probe ${i} has ${vectors} ColBERT vectors, its ${probe.ids.length} tokens have ${probe.ids.length - 1}`,
      );
    }
  }
  return file;
}

export function embeddingSpace(file: SpaceFile): EmbeddingSpace {
  return {
    ...file.identity,
    fingerprint: file.fingerprint,
    modelId: file.modelId,
    heads: file.heads,
    ...(file.positions === undefined ? {} : { positions: file.positions }),
    ...(file.similarity === undefined ? {} : { similarity: file.similarity }),
    ...(file.trainedDimensions === undefined ? {} : { trainedDimensions: file.trainedDimensions }),
    ...(file.colbert === undefined ? {} : { colbertDimension: file.colbert.dimension }),
  };
}
