import { UnknownCollectionError, UnknownSpaceError, type Backlog, type EmbeddingSpace } from '@kimera/core';
import type { MigrationStorePorts } from '../parts.js';

/** How far a collection is behind in one space. */
export interface SpaceLag extends Backlog {
  readonly collection: string;
  readonly space: EmbeddingSpace;
  /** Searches of the whole collection use it. */
  readonly isActive: boolean;
}

/** Of every space that the collection has vectors in; none where the collection is gone. */
export async function lagOf(
  { collections, vectors, changes }: Pick<MigrationStorePorts, 'collections' | 'vectors' | 'changes'>,
  collection: string,
): Promise<readonly SpaceLag[]> {
  const lags: SpaceLag[] = [];
  try {
    const { activeSpace } = await collections.collection(collection);
    for (const space of await vectors.spaces(collection)) {
      const { fingerprint } = space;
      lags.push({
        collection,
        space,
        isActive: fingerprint === activeSpace,
        ...(await changes.backlog(collection, fingerprint)),
      });
    }
  } catch (error) {
    // Dropped, or closed, in between.
    if (!(error instanceof UnknownCollectionError || error instanceof UnknownSpaceError)) throw error;
  }
  return lags;
}
