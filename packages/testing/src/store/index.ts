export { InMemoryStore, type InMemoryStoreOptions } from './in-memory-store.js';
export { storeConformance } from './store-conformance.js';
export type { Application, StoreCase, StorePorts, StoreUnderTest } from './store-under-test.js';
