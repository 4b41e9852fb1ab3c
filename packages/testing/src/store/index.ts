export { InMemoryStore, type InMemoryStoreOptions } from './in-memory-store.js';
