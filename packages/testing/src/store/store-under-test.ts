import {
  contentHash,
  type EmbeddedRow,
  type EmbeddingSpace,
  type Migration,
  type NewVector,
  type Row,
  type SourceRow,
  type StorePorts,
  type StoredVector,
  type VariantName,
  type Vector,
} from '@kimera/core';
import { fakeSpace } from '../fakes/fake-space.js';

/** What an application does with a collection's table by its own SQL, without vectors. */
export interface Application {
  /** Inserts or replaces, as one statement. */
  write(collection: string, rows: readonly Row[]): Promise<void>;
  delete(collection: string, ids: readonly string[]): Promise<void>;
  /** TRUNCATE. */
  empty(collection: string): Promise<void>;
}

export interface StoreUnderTest {
  readonly store: StorePorts;
  readonly application: Application;
  /** Lets this time pass for leases. */
  pass(seconds: number): Promise<void>;
  close(): Promise<void>;
}

export interface StoreCase {
  readonly name: string;
  readonly open: () => Promise<StoreUnderTest>;
  /** Attempts after which a job is given up. */
  readonly attempts: number;
}

/** Of the suites: the store, opened once for all, and names that no other test uses. */
export interface Bench {
  readonly attempts: number;
  readonly current: () => StoreUnderTest;
  /** A new collection in {@link OLD}. */
  readonly collection: () => Promise<string>;
  readonly freshName: () => string;
}

export const OLD = fakeSpace('old', { dimension: 4 });
export const NEW = fakeSpace('new', { dimension: 3 });
export const OTHER = fakeSpace('other', { dimension: 2 });

/** Any vector of the space that differs with the text: not a model, but told apart. */
export function vectorOf(space: EmbeddingSpace, text: string): Vector {
  let state = 7;
  return Float32Array.from({ length: space.dimension }, (_, i) => {
    for (const unit of `${i}${text}`) state = (state * 31 + unit.charCodeAt(0)) % 9_973;
    return (state - 4_986.5) / 1_000;
  });
}

export function embedded({ id, text }: Row, space: EmbeddingSpace = OLD, variant: VariantName = 'fp32'): EmbeddedRow {
  return {
    id,
    text,
    embedding: {
      dense: vectorOf(space, text),
      space: space.fingerprint,
      variant,
      tokenizerRevision: 1,
      truncated: false,
    },
  };
}

export function vectorsOf(space: EmbeddingSpace, rows: readonly SourceRow[]): readonly NewVector[] {
  return rows.map(({ id, text, contentHash: hash }) => ({
    id,
    contentHash: hash,
    dense: vectorOf(space, text),
    variant: 'int8',
    tokenizerRevision: 1,
    truncated: false,
  }));
}

export async function newVector(space: EmbeddingSpace, { id, text }: Row): Promise<NewVector> {
  return {
    id,
    contentHash: await contentHash(text),
    dense: vectorOf(space, text),
    variant: 'fp32',
    tokenizerRevision: 1,
    truncated: false,
  };
}

export const rowsNamed = (...ids: readonly string[]): readonly Row[] =>
  ids.map((id) => ({ id, text: `text of ${id}` }));
export const idsOf = (rows: readonly { readonly id: string }[]): readonly string[] => rows.map(({ id }) => id);

/** Vectors as comparable data; numbers by their bits, which tell -0 from 0. */
export function bits(vectors: readonly (NewVector | StoredVector)[]): readonly unknown[] {
  return vectors.map(({ dense, ...rest }) => ({ ...rest, bits: [...new Uint32Array(dense.slice().buffer)] }));
}

/** A new collection in {@link OLD} with these rows. */
export async function filled({ current, collection: fresh }: Bench, ...ids: readonly string[]): Promise<string> {
  const name = await fresh();
  await current().store.collections.upsertRows(
    name,
    rowsNamed(...ids).map((row) => embedded(row)),
  );
  return name;
}

/** A new collection whose rows a, b, c have vectors in {@link OLD} and {@link NEW}. */
export async function filledInBothSpaces(bench: Bench): Promise<string> {
  const name = await filled(bench, 'a', 'b', 'c');
  const { collections, vectors } = bench.current().store;
  await vectors.openSpace(name, NEW);
  const rows = await collections.readRange(name, { after: null, upTo: null });
  await vectors.writeVectors(name, NEW.fingerprint, vectorsOf(NEW, rows));
  return name;
}

/** A migration of a new collection with these rows from {@link OLD} to {@link NEW}, both spaces open. */
export async function migrationWith(
  { current, collection: fresh }: Bench,
  rows: readonly Row[],
): Promise<{ readonly collection: string; readonly migration: Migration }> {
  const { store } = current();
  const collection = await fresh();
  await store.collections.upsertRows(
    collection,
    rows.map((row) => embedded(row)),
  );
  const migration = await store.migrations.createMigration(collection, NEW, 'suite', {});
  await store.vectors.openSpace(collection, NEW);
  return { collection, migration };
}
