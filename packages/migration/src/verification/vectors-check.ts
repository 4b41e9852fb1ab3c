import { cosine, norm, type SourceRow, type StoredVector } from '@kimera/core';
import { embedRows } from '../embed-rows.js';
import type { MigrationParts } from '../parts.js';
import type { Check } from './check.js';

/**
 * Cosine between a stored vector and the same text embedded again by the same variant: float32 rounding stays above
 * 0.999999.
 */
const SAME_VARIANT_COSINE = 0.9999;
/** Between two variants of one space: the floor that a conversion's fidelity must reach. */
const OTHER_VARIANT_COSINE = 0.98;
/** Scores of a row's own vector and of its rivals are told apart beyond float32 rounding. */
const SCORE_TOLERANCE = 1e-4;

interface Sampled {
  readonly row: SourceRow;
  readonly stored: StoredVector;
  readonly again: { readonly dense: Float32Array; readonly variant: string };
}

/**
 * Sampled rows are embedded again and compared with what is stored, and each is searched by its own text, which must
 * find it: swapped columns, a wrong direction or the vectors of another model pass every structural check and fail
 * here.
 * @param count 0 bad of n sampled means at most 3/n bad at 95 %.
 */
export async function checkVectors(parts: MigrationParts, count: number, seed: number): Promise<readonly Check[]> {
  const { store, collection, target } = parts;
  const space = target.space.fingerprint;
  const sampled = await sample(parts, count, seed);
  if (sampled.length === 0)
    return [
      { name: 'vectors embedded again', expected: 'at least 1 row', actual: '0 rows have a vector', holds: false },
    ];

  const bad = sampled.filter(({ stored, again }) => !similar(stored, again));
  const worst = Math.min(...sampled.map(({ stored, again }) => similarity(stored.dense, again.dense)));
  const lost: string[] = [];
  for (const { row, again } of sampled) {
    const hits = await store.vectors.searchSpace(collection, { space, dense: again.dense }, 1);
    const best = hits[0];
    const own = hits.find(({ id }) => id === row.id);
    // Another row with the same text, or one that scores the same within rounding, is as good an answer.
    if (
      own === undefined &&
      !(
        best !== undefined &&
        best.score >= 1 - SCORE_TOLERANCE &&
        (await sameText(parts, best.id, row, again.dense))
      ) &&
      (await unchanged(parts, row))
    )
      lost.push(row.id);
  }
  const bound = `0 bad means ≤ ${(300 / sampled.length).toFixed(1)} % bad at 95 %`;
  return [
    {
      name: 'vectors embedded again',
      expected: `${sampled.length} equal (${bound})`,
      actual: `${sampled.length - bad.length} equal, worst cosine ${worst.toFixed(6)}${
        bad.length > 0
          ? `, differing: ${bad
              .slice(0, 3)
              .map(({ row }) => row.id)
              .join(', ')}`
          : ''
      }`,
      holds: bad.length === 0,
    },
    {
      name: 'known answers',
      expected: `${sampled.length} rows found by their own text`,
      actual: `${sampled.length - lost.length} found${lost.length > 0 ? `, not: ${lost.slice(0, 3).join(', ')}` : ''}`,
      holds: lost.length === 0,
    },
  ];
}

async function sample(parts: MigrationParts, count: number, seed: number): Promise<readonly Sampled[]> {
  const { store, collection, target } = parts;
  const rows = await store.collections.sampleRows(collection, count, seed);
  const stored = new Map(
    (
      await store.vectors.readVectors(
        collection,
        target.space.fingerprint,
        rows.map(({ id }) => id),
      )
    ).map((vector) => [vector.id, vector]),
  );
  // Rows that changed since, or that wait, are counted by the coverage.
  const comparable = rows.filter(({ id, contentHash }) => stored.get(id)?.contentHash === contentHash);
  const { vectors } = await embedRows(target, comparable);
  const again = new Map(vectors.map((vector) => [vector.id, vector]));
  return comparable.flatMap((row) => {
    const [before, after] = [stored.get(row.id), again.get(row.id)];
    return before === undefined || after === undefined ? [] : [{ row, stored: before, again: after }];
  });
}

function similar(stored: StoredVector, again: Sampled['again']): boolean {
  const floor = stored.variant === again.variant ? SAME_VARIANT_COSINE : OTHER_VARIANT_COSINE;
  const [before, after] = [norm(stored.dense), norm(again.dense)];
  // Cosine cannot see a forgotten normalisation.
  return (
    similarity(stored.dense, again.dense) >= floor &&
    Math.abs(before - after) <= (1 - floor) * Math.max(before, after) * 10
  );
}

function similarity(a: Float32Array, b: Float32Array): number {
  return a.length === b.length && norm(a) > 0 && norm(b) > 0 ? cosine(a, b) : -1;
}

/**
 * False where the row or its vector is another one by now, or gone: the application changed it since it was sampled,
 * and its old text finds it no more.
 */
async function unchanged(
  { store, collection, target }: MigrationParts,
  { id, contentHash }: SourceRow,
): Promise<boolean> {
  const [vector] = await store.vectors.readVectors(collection, target.space.fingerprint, [id]);
  const [row] = await store.collections.readRows(collection, [id]);
  return row?.contentHash === contentHash && vector?.contentHash === contentHash;
}

async function sameText(
  { store, collection, target }: MigrationParts,
  id: string,
  row: SourceRow,
  dense: Float32Array,
): Promise<boolean> {
  const [other] = await store.collections.readRows(collection, [id]);
  if (other?.contentHash === row.contentHash) return true;
  const [vector] = await store.vectors.readVectors(collection, target.space.fingerprint, [row.id]);
  return vector !== undefined && similarity(vector.dense, dense) >= 1 - SCORE_TOLERANCE;
}
