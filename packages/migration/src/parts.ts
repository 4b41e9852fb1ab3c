import type { CollectionReader, StorePorts, TextEmbedder } from '@kimera/core';

/** What a migration needs of a store: it never writes rows. */
export interface MigrationStorePorts extends Omit<StorePorts, 'collections'> {
  readonly collections: CollectionReader;
}

export interface MigrationParts {
  readonly store: MigrationStorePorts;
  readonly collection: string;
  /** The model of the space that the collection is moved from. */
  readonly source: TextEmbedder;
  readonly target: TextEmbedder;
  /** Who acts, for the event log: `user@host pid`. */
  readonly by: string;
}
