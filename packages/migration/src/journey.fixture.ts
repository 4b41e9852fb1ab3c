import type { EmbeddedRow, EmbeddingSpace, Row, StoredVector, TextEmbedder } from '@kimera/core';
import {
  FakeEmbedder,
  fakeSpace,
  InMemoryStore,
  type FakeEmbedderOptions,
  type InMemoryStoreOptions,
} from '@kimera/testing';
import { planMigration, startMigration, verifyMigration, work, type JudgedQuery } from './index.js';
import type { MigrationParts } from './parts.js';

export const COLLECTION = 'docs';

export interface Journey extends MigrationParts {
  readonly store: InMemoryStore;
}

export interface JourneyOptions {
  readonly rows?: number;
  readonly source?: FakeEmbedderOptions;
  readonly target?: FakeEmbedderOptions;
  readonly store?: InMemoryStoreOptions;
}

export const SOURCE_SPACE: EmbeddingSpace = fakeSpace('old', { dimension: 32 });
export const TARGET_SPACE: EmbeddingSpace = fakeSpace('new', { dimension: 48 });

/** Texts with few words in common, so that each finds its own row. */
export function text(i: number): string {
  return (
    Array.from({ length: 6 }, (_, word) =>
      String.fromCodePoint(97 + ((i * 7 + word * (i % 5) + word * word) % 26)).repeat(1 + ((i + word) % 3)),
    ).join(' ') + ` ${i}`
  );
}
function rowId(i: number): string {
  return `r${String(i).padStart(5, '0')}`;
}
export function rowsOf(count: number): readonly Row[] {
  return Array.from({ length: count }, (_, i) => ({ id: rowId(i), text: text(i) }));
}

/** A collection of `rows` texts in the old space, and the two models. */
export async function journey({
  rows = 100,
  source = {},
  target = {},
  store: storeOptions,
}: JourneyOptions = {}): Promise<Journey> {
  const store = new InMemoryStore(storeOptions);
  const parts = {
    store,
    collection: COLLECTION,
    source: new FakeEmbedder({ space: SOURCE_SPACE, ...source }),
    target: new FakeEmbedder({ space: TARGET_SPACE, shift: 3, ...target }),
    by: 'spec',
  };
  await store.collections.createCollection(COLLECTION, parts.source.space);
  await upsert(parts, parts.source, rowsOf(rows));
  return parts;
}

export async function upsert(
  { store }: { readonly store: InMemoryStore },
  embedder: TextEmbedder,
  rows: readonly Row[],
): Promise<void> {
  const embeddings = await embedder.encodeBatch(
    rows.map((row) => row.text),
    { role: 'document' },
  );
  await store.collections.upsertRows(
    COLLECTION,
    rows.flatMap((row, i): EmbeddedRow[] =>
      embeddings[i] === undefined ? [] : [{ ...row, embedding: embeddings[i] }],
    ),
  );
}

/** What every live row must have in a space: the vector of its present text, stamped. */
export async function expectedVectors(
  { store }: { readonly store: InMemoryStore },
  embedder: TextEmbedder,
): Promise<readonly StoredVector[]> {
  const rows = await store.collections.readRange(COLLECTION, { after: null, upTo: null });
  const embeddings = await embedder.encodeBatch(
    rows.map((row) => row.text),
    { role: 'document' },
  );
  return rows.map(({ id, contentHash }, i) => ({
    id,
    contentHash,
    dense: embeddings[i]?.dense ?? new Float32Array(),
    variant: 'fp32' as const,
    tokenizerRevision: 1,
    truncated: embeddings[i]?.truncated ?? false,
    space: embedder.space.fingerprint,
  }));
}

/** As many as the gate needs where both models find everything: 198, and more where a few rows are edited meanwhile. */
export const ENOUGH = 300;
/** The own text of each of `rows` rows, which finds it, then the same with one space more, and so on. */
export const queries = (count: number, rows = 100): readonly JudgedQuery[] =>
  Array.from({ length: count }, (_, i) => {
    const id = rowId(i % rows);
    return { id: `q${i}`, text: text(i % rows) + ' '.repeat(Math.floor(i / rows)), relevant: { [id]: 1 } };
  });

/** Planned and started. */
export async function started(parts: Journey, rowsPerJob = 16): Promise<Journey> {
  await planMigration(parts);
  await startMigration(parts, { rowsPerJob });
  return parts;
}
/** Verified: GO. */
export async function ready(parts: Journey): Promise<Journey> {
  await started(parts);
  await work(parts, { until: 'caught-up' });
  await verifyMigration(parts, { queries: queries(ENOUGH) });
  return parts;
}
export const state = async ({ store }: Journey): Promise<string> =>
  (await store.migrations.latestMigration(COLLECTION)).state;
export const active = async ({ store }: Journey): Promise<string> =>
  (await store.collections.collection(COLLECTION)).activeSpace;
export const vectors = ({ store }: Journey, space: string) => store.vectors.readVectors(COLLECTION, space);
