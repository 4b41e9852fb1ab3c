import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { SpaceMismatchError, type EmbeddingSpace, type NewVector, type SourceRow, type Vector } from '@kimera/core';
import { fakeSpace } from '@kimera/testing';
import type { PostgresStore } from './postgres-store.js';
import { TEST_DATABASES, type TestDatabase } from './test-databases.fixture.js';

jest.setTimeout(300_000);
const OLD = fakeSpace('old', { dimension: 6 });
const NEW = fakeSpace('new', { dimension: 5 });
const ROWS = 240;
const CHANGES = 150;

const NAME = `docs_${process.pid}_${Date.now()}`;

/** The first numbers of the SHA-256 of space and text, as numbers in [-1, 1). */
function model({ fingerprint, dimension }: EmbeddingSpace, text: string): Vector {
  const digest = createHash('sha256')
    .update(fingerprint + text)
    .digest();
  return Float32Array.from({ length: dimension }, (_, i) => digest.readInt32BE(i * 4) / 2 ** 31);
}
function embed(space: EmbeddingSpace, rows: readonly SourceRow[]): readonly NewVector[] {
  return rows.map(({ id, text, contentHash }) => ({
    id,
    contentHash,
    dense: model(space, text),
    variant: 'fp32',
    tokenizerRevision: 1,
    truncated: false,
  }));
}
async function expectAllCurrent(owner: PostgresStore, space: EmbeddingSpace): Promise<void> {
  const rows = await owner.collections.readRange(NAME, { after: null, upTo: null });
  const vectors = await owner.vectors.readVectors(NAME, space.fingerprint);
  expect(vectors).toEqual(
    rows.map(({ id, text, contentHash }) => ({
      id,
      contentHash,
      space: space.fingerprint,
      variant: 'fp32',
      tokenizerRevision: 1,
      truncated: false,
      dense: model(space, text),
    })),
  );
}
/** A worker: jobs, then changes, until there are neither. */
async function work(store: PostgresStore, migration: string): Promise<void> {
  for (;;) {
    const job = await store.jobs.claim(migration, 60);
    if (job !== undefined) {
      await store.jobs.complete(job, embed(NEW, await store.collections.readRange(NAME, job.range)), []);
      continue;
    }
    let changes = 0;
    for (const space of [NEW, OLD]) {
      const rows = await store.changes.readPending(NAME, space.fingerprint, 50);
      changes += (await store.vectors.writeVectors(NAME, space.fingerprint, embed(space, rows))).written;
    }
    if (changes === 0) return;
  }
}

describe.each(TEST_DATABASES)('a collection on %s that changes while it moves', (_, open) => {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await open();
  });
  afterAll(() => database.close());

  it('has, in the end, the vector of every row’s present text in both spaces, and no other', async () => {
    const { owner, joined, application } = database;
    await owner.collections.createCollection(NAME, OLD);
    const texts = Array.from({ length: ROWS }, (_, i) => ({ id: `r${i}`, text: `text ${i}` }));
    await owner.collections.upsertRows(
      NAME,
      texts.map(({ id, text }) => ({
        id,
        text,
        embedding: {
          dense: model(OLD, text),
          space: OLD.fingerprint,
          variant: 'fp32',
          tokenizerRevision: 1,
          truncated: false,
        },
      })),
    );
    const untouched = await owner.vectors.readVectors(NAME, OLD.fingerprint);
    const { id: migration } = await owner.migrations.createMigration(NAME, NEW, 'spec', {});

    const touched = new Set<string>();
    let state = 1;
    const next = (below: number): number => (state = (state * 48_271) % 2_147_483_647) % below;
    const write = async (): Promise<void> => {
      for (let i = 0; i < CHANGES; i++) {
        const ids = Array.from({ length: 1 + next(3) }, () => `r${next(ROWS + 40)}`);
        for (const id of ids) touched.add(id);
        const rows = [...new Set(ids)].map((id) => ({ id, text: `change ${i}` }));
        const kind = next(4);
        if (kind === 0) await application.delete(NAME, ids);
        else if (kind === 1) await owner.collections.deleteRows(NAME, ids);
        else if (kind === 2)
          await owner.collections.upsertRows(
            NAME,
            rows.map(({ id, text }) => ({
              id,
              text,
              embedding: {
                dense: model(OLD, text),
                space: OLD.fingerprint,
                variant: 'fp32',
                tokenizerRevision: 1,
                truncated: false,
              },
            })),
          );
        else await application.write(NAME, rows);
      }
    };
    let reading = true;
    const read = async (): Promise<void> => {
      for (let i = 0; reading; i++) {
        const { hits } = await joined.search.search(
          NAME,
          { space: OLD.fingerprint, dense: model(OLD, `text ${i % ROWS}`) },
          { limit: 5 },
        );
        expect(hits.every(({ score }) => score <= 1.000_001)).toBe(true);
      }
    };
    const writer = write();
    const reader = read();
    await owner.vectors.openSpace(NAME, NEW);
    await owner.jobs.enqueue(migration, await owner.collections.keyRanges(NAME, 16));
    await Promise.all([work(owner, migration), work(joined, migration), writer]);
    await Promise.all([work(owner, migration), work(joined, migration)]);
    reading = false;
    await reader;

    expect(await owner.jobs.counts(migration)).toMatchObject({ waiting: 0, active: 0, failed: 0 });
    for (const space of [OLD, NEW]) await expectAllCurrent(owner, space);
    const after = new Map(
      (await owner.vectors.readVectors(NAME, OLD.fingerprint)).map((vector) => [vector.id, vector]),
    );
    for (const vector of untouched) if (!touched.has(vector.id)) expect(after.get(vector.id)).toEqual(vector);
    expect(untouched.some(({ id }) => !touched.has(id))).toBe(true);
  });

  it('answers every query in one space, or says that the space has changed', async () => {
    const { owner, joined, application } = database;
    const { id: migration } = await owner.migrations.latestMigration(NAME);
    const query = { space: OLD.fingerprint, dense: model(OLD, 'any') };
    const outcomes: string[] = [];
    let reading = true;
    const read = async (store: PostgresStore): Promise<void> => {
      while (reading) {
        try {
          outcomes.push(`${(await store.search.search(NAME, query, { limit: 3 })).hits.length} hits`);
        } catch (error) {
          if (!(error instanceof SpaceMismatchError)) throw error;
          outcomes.push(error.expected === NEW.fingerprint ? 'moved' : 'wrong');
        }
      }
    };
    const readers = [read(owner), read(joined)];
    await application.write(NAME, [{ id: 'late', text: 'just before' }]);
    await owner.migrations.switchSpace(
      migration,
      'spec',
      {
        expected: ['planned'],
        to: 'cut-over',
        event: 'cutover',
        figures: {},
        from: OLD.fingerprint,
        toSpace: NEW.fingerprint,
        maxPending: 5,
      },
      async (rows) => embed(NEW, rows),
    );
    await expect(owner.search.search(NAME, query, { limit: 3 })).rejects.toBeInstanceOf(SpaceMismatchError);
    reading = false;
    await Promise.all(readers);
    expect([...new Set(outcomes)].filter((outcome) => outcome !== '3 hits' && outcome !== 'moved')).toEqual([]);
    await expectAllCurrent(owner, NEW);
  });
});
