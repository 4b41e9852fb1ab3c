import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, describe, expect, it, jest } from '@jest/globals';
import type { EmbeddedRow, TextEmbedder } from '@kimera/core';
import { planMigration, startMigration, verifyMigration, work, type JudgedQuery } from '@kimera/migration';
import { openStore, type PostgresStore } from '@kimera/store-postgres';
import { emptyDatabase, FakeEmbedder, fakeSpace } from '@kimera/testing';

jest.setTimeout(180_000);
const folder = mkdtempSync(join(tmpdir(), 'kimera-writers-'));
let store: PostgresStore | undefined;
afterAll(async () => {
  // Its thread would keep the process of a failed test alive.
  await store?.close();
  rmSync(folder, { recursive: true, force: true });
});
const ROWS = 300;
/** A writer that never rests leaves a verification on its one connection little to go on with. */
const WRITE_EVERY_MILLISECONDS = 20;
const rowText = (i: number, edits = 0): string => `${'abcdefghij'.charAt(i % 10)} row ${i} ${'z'.repeat(edits)}`;

async function embedded(embedder: TextEmbedder, ids: readonly number[], edits = 0): Promise<readonly EmbeddedRow[]> {
  const rows = ids.map((i) => ({ id: `r${i}`, text: rowText(i, edits) }));
  const embeddings = await embedder.encodeBatch(
    rows.map(({ text }) => text),
    { role: 'document' },
  );
  return rows.flatMap((row, i) => (embeddings[i] === undefined ? [] : [{ ...row, embedding: embeddings[i] }]));
}

describe('a verification on the embedded PostgreSQL, beside writers', () => {
  it('never says NO-GO for changes that wait, and measures no query twice', async () => {
    await emptyDatabase(folder);
    const opened = await openStore({ database: folder });
    store = opened;
    const source = new FakeEmbedder({ space: fakeSpace('old', { dimension: 32 }) });
    const target = new FakeEmbedder({ space: fakeSpace('new', { dimension: 48 }), shift: 3 });
    await opened.collections.createCollection('docs', source.space);
    await opened.collections.upsertRows('docs', await embedded(source, [...new Array(ROWS).keys()]));
    const parts = { store: opened, collection: 'docs', source, target, by: 'spec' };
    await planMigration(parts);
    await startMigration(parts);
    await work(parts, { until: 'caught-up' });

    let [writing, writes] = [true, 0];
    const write = async (): Promise<void> => {
      while (writing) {
        const i = (writes * 7) % (ROWS + 60);
        if (writes % 5 === 4) await opened.collections.deleteRows('docs', [`r${i}`]);
        else await opened.collections.upsertRows('docs', await embedded(source, [i], 1 + (writes % 3)));
        writes += 1;
        await delay(WRITE_EVERY_MILLISECONDS);
      }
    };
    const writer = write();
    const judged: readonly JudgedQuery[] = Array.from({ length: 60 }, (_, i) => ({
      id: `q${i}`,
      text: rowText(i),
      relevant: { [`r${i}`]: 1 },
    }));
    try {
      for (const count of [30, 45, 60]) {
        const { verdict, checks, quality } = await verifyMigration(parts, { queries: judged.slice(0, count) });
        expect(checks.filter(({ holds }) => !holds)).toEqual([]);
        expect(verdict).not.toBe('NO-GO');
        expect(quality).toMatchObject({
          queries: count,
          added: count === 30 ? 30 : 15,
          known: count === 30 ? 0 : count - 15,
        });
      }
    } finally {
      writing = false;
      await writer;
    }
    expect(writes).toBeGreaterThan(20);
  });
});
