import { join } from 'node:path';
import type { Row, TextEmbedder, Vector } from '@kimera/core';
import type { Embedder } from '@kimera/embedder';
import type { MigrationParts } from '@kimera/migration';
import type { PostgresStore } from '@kimera/store-postgres';
import { Checks } from './checks.js';
import type { Corpus } from './corpus.js';
import { ROOT } from './models.js';
import type { QuestionVectors } from './quality.js';

/** What every scenario plays on. */
export interface Stage {
  readonly checks: Checks;
  readonly corpus: Corpus;
  /** English, 256 tokens. */
  readonly minilm: Embedder;
  /** Multilingual, 512 tokens, prompts by role. */
  readonly e5: Embedder;
  readonly minilmQuestions: QuestionVectors;
  readonly e5Questions: QuestionVectors;
  /** Scratch folder, removed at the end. */
  readonly folder: string;
  /** A line that the next one replaces on a terminal. */
  readonly progress: (line: string) => void;
}

/** Rows that are embedded for a plan whose figures nobody reads. */
export const PLANNED_ROWS = 16;

export const KIMERA = join(ROOT, 'tools/kimera/bin/kimera.mjs');

export function parts(
  store: PostgresStore,
  collection: string,
  source: TextEmbedder,
  target: TextEmbedder,
): MigrationParts {
  return { store, collection, source, target, by: `migration-tests ${process.pid}` };
}

/** Plays scenarios at the same time; what each has shown is printed and kept as if they had come one after the other. */
export async function sideBySide<S extends Pick<Stage, 'checks'>, T extends readonly unknown[]>(
  stage: S,
  ...scenarios: { readonly [I in keyof T]: (own: S) => Promise<T[I]> }
): Promise<T> {
  const shown = scenarios.map(() => new Checks(() => undefined));
  const ends = await Promise.allSettled(
    scenarios.map((play, i) => play({ ...stage, checks: shown[i] ?? stage.checks })),
  );
  for (const checks of shown) stage.checks.add(checks);
  for (const end of ends) if (end.status === 'rejected') throw end.reason;
  return ends.map((end) => (end.status === 'fulfilled' ? end.value : undefined)) as readonly unknown[] as T;
}

/** Embeds rows as documents and writes them, 256 at a time: while some are written, the next are embedded. */
export async function ingest(
  { progress }: Stage,
  store: PostgresStore,
  collection: string,
  embedder: TextEmbedder,
  rows: readonly Row[],
): Promise<void> {
  await store.collections.createCollection(collection, embedder.space);
  let written: Promise<unknown> = Promise.resolve();
  for (let from = 0; from < rows.length; from += 256) {
    const batch = rows.slice(from, from + 256);
    const [embeddings] = await Promise.all([
      embedder.encodeBatch(
        batch.map(({ text }) => text),
        { role: 'document', lane: 'bulk' },
      ),
      written,
    ]);
    written = store.collections.upsertRows(
      collection,
      batch.flatMap((row, i) => (embeddings[i] === undefined ? [] : [{ ...row, embedding: embeddings[i] }])),
    );
    progress(`${collection}: ${from + batch.length} of ${rows.length} rows with ${embedder.space.modelId}`);
  }
  await written;
}

/** Vectors of a space by row id. */
export async function storedVectors(
  store: PostgresStore,
  collection: string,
  embedder: TextEmbedder,
): Promise<ReadonlyMap<string, Vector>> {
  return new Map(
    (await store.vectors.readVectors(collection, embedder.space.fingerprint)).map(({ id, dense }) => [id, dense]),
  );
}

/** True where every number has the same bits. */
export function sameBytes(a: Vector | undefined, b: Vector | undefined): boolean {
  return (
    a !== undefined &&
    b !== undefined &&
    Buffer.from(a.buffer, a.byteOffset, a.byteLength).equals(Buffer.from(b.buffer, b.byteOffset, b.byteLength))
  );
}
