import type { CollectionReader } from './collection-reader.js';
import type { CollectionUpkeep } from './collection-upkeep.js';
import type { CollectionWriter } from './collection-writer.js';
import type { InPlaceStore } from './in-place.js';
import type { JobQueue } from './job-queue.js';
import type { MigrationStore } from './migration-store.js';
import type { CollectionSearch } from './search.js';
import type { ChangeFeed, StoreCapacity, VectorReader, VectorWriter } from './vectors.js';

/** A store: its ports by name. Each user takes the ports that it needs. */
export interface StorePorts {
  readonly collections: CollectionReader & CollectionWriter;
  readonly search: CollectionSearch;
  readonly upkeep: CollectionUpkeep;
  readonly vectors: VectorReader & VectorWriter;
  readonly changes: ChangeFeed;
  readonly jobs: JobQueue;
  readonly migrations: MigrationStore;
  readonly capacity: StoreCapacity;
  readonly inPlace: InPlaceStore;
}
