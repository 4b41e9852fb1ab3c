import {
  InPlaceColumnError,
  type InPlaceColumns,
  type InPlacePlan,
  type InPlaceStore,
  type PrepareResult,
} from '@kimera/core';

/** There is no table of an application. */
export class InMemoryInPlace implements InPlaceStore {
  async planInPlace(collection: string): Promise<InPlacePlan> {
    throw new InPlaceColumnError(collection, 'it is in memory');
  }

  async openInPlace(migration: string): Promise<InPlacePlan> {
    throw new InPlaceColumnError(migration, 'it is in memory');
  }

  async inPlaceColumns(): Promise<InPlaceColumns | undefined> {
    return undefined;
  }

  async prepareSwap(): Promise<PrepareResult> {
    return { filled: 0, indexesBuilt: [], indexSeconds: 0 };
  }
}
