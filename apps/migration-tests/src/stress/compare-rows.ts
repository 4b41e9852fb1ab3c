import { cosine } from '@kimera/core';
import type { MigrationParts } from '@kimera/migration';

const ROWS_A_TIME = 256;
/** Texts alone and in batches, in processes with other numbers of threads. */
const COSINE_FLOOR = 0.9999;

/** Embeds rows again, spread over the table, and compares them with their stored vectors in the new space. */
export async function compareRows(
  { store, collection, target }: MigrationParts,
  most: number,
  progress: (line: string) => void,
): Promise<{ readonly rows: number; readonly compared: number; readonly wrong: readonly string[] }> {
  const rows = await store.collections.countRows(collection);
  const ranges = await store.collections.keyRanges(collection, ROWS_A_TIME);
  const step = Math.max(1, Math.floor(rows / most));
  const wrong: string[] = [];
  let compared = 0;
  for (const range of ranges) {
    const some = (await store.collections.readRange(collection, range)).filter((_, i) => i % step === 0);
    const stored = await store.vectors.readVectors(
      collection,
      target.space.fingerprint,
      some.map(({ id }) => id),
    );
    const byId = new Map(stored.map((vector) => [vector.id, vector]));
    const again = await target.encodeBatch(
      some.map(({ text }) => text),
      { role: 'document', lane: 'bulk' },
    );
    some.forEach(({ id, contentHash }, i) => {
      const vector = byId.get(id);
      const isRight =
        vector?.contentHash === contentHash &&
        cosine(vector.dense, again[i]?.dense ?? vector.dense.map(() => 0)) > COSINE_FLOOR;
      if (!isRight) wrong.push(id);
    });
    compared += some.length;
    progress(`compared ${compared} of ${Math.min(rows, Math.ceil(rows / step))} rows`);
  }
  return { rows, compared, wrong };
}
