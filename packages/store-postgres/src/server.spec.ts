import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { KimeraError, type NewVector, type SourceRow } from '@kimera/core';
import { fakeSpace } from '@kimera/testing';
import type pg from 'pg';
import { quoted } from './sql/identifier.js';
import { sqlState } from './sql/sql-state.js';
import { openServer, TEST_SERVER, type TestDatabase } from './test-databases.fixture.js';

jest.setTimeout(120_000);
const OLD = fakeSpace('old', { dimension: 4 });
const NEW = fakeSpace('new', { dimension: 3 });
const onServer = TEST_SERVER === undefined ? describe.skip : describe;
const vectors = (rows: readonly SourceRow[]): readonly NewVector[] =>
  rows.map(({ id, contentHash }) => ({
    id,
    contentHash,
    dense: Float32Array.from([1, 2, 3]),
    variant: 'fp32',
    tokenizerRevision: 1,
    truncated: false,
  }));

/** What needs transactions side by side, which the embedded database does not have. */
onServer('transactions of an application', () => {
  let database: TestDatabase;
  let name = '';
  let table = '';
  let transaction: pg.PoolClient;
  let names = 0;
  beforeAll(async () => {
    database = await openServer(TEST_SERVER ?? '');
  });
  afterAll(() => database.close());

  async function begin(isolation: string): Promise<void> {
    const { owner, application } = database;
    name = `server_${process.pid}_${Date.now()}_${names++}`;
    table = quoted('public', name);
    await owner.collections.createCollection(name, OLD);
    await application.write(
      name,
      ['a', 'b', 'c'].map((id) => ({ id, text: `text of ${id}` })),
    );
    await owner.vectors.writeVectors(
      name,
      OLD.fingerprint,
      (await owner.changes.readPending(name, OLD.fingerprint, 10)).map((row) => ({
        id: row.id,
        contentHash: row.contentHash,
        dense: Float32Array.from([1, 2, 3, 4]),
        variant: 'fp32' as const,
        tokenizerRevision: 1,
        truncated: false,
      })),
    );
    transaction = await application.pool.connect();
    await transaction.query(`BEGIN ISOLATION LEVEL ${isolation}`);
  }
  /** Whether it meets a lock before it ends. */
  async function waitsForALock(running: Promise<unknown>): Promise<boolean> {
    const state = { ended: false };
    const end = (): void => void (state.ended = true);
    void running.then(end, end);
    while (!state.ended) {
      const { rowCount } = await database.application.pool.query(
        `SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()`,
      );
      if (rowCount !== 0) return true;
    }
    return false;
  }
  async function end(how: 'COMMIT' | 'ROLLBACK'): Promise<void> {
    await transaction.query(how);
    transaction.release();
  }

  it('that were open before a space was are captured for it', async () => {
    await begin('READ COMMITTED');
    await transaction.query(`UPDATE ${table} SET text = 'edited' WHERE id = 'a'`);
    const opening = database.owner.vectors.openSpace(name, NEW);
    expect(await waitsForALock(opening)).toBe(true);
    await transaction.query(`INSERT INTO ${table} VALUES ('d', 'inserted')`);
    await end('COMMIT');
    await opening;
    // What was committed before is in the ranges of the backfill, what comes after is queued.
    expect(
      (await database.owner.collections.readRange(name, { after: null, upTo: null })).map(({ text }) => text),
    ).toContain('edited');
    await database.application.write(name, [{ id: 'e', text: 'later' }]);
    expect((await database.owner.changes.readPending(name, NEW.fingerprint, 10)).map(({ id }) => id)).toEqual(['e']);
  });

  it('wait for nobody who asks for changes where there are none, nor write anything', async () => {
    await begin('READ COMMITTED');
    await end('COMMIT');
    const { owner } = database;
    await database.owner.vectors.openSpace(name, NEW);
    transaction = await database.application.pool.connect();
    await transaction.query('BEGIN');
    await transaction.query('LOCK TABLE kimera.claims IN SHARE MODE');
    const claim = { limit: 10, leaseSeconds: 10, of: 'all rows' } as const;
    expect(await owner.changes.claimPending(name, NEW.fingerprint, claim)).toEqual([]);
    await database.application.write(name, [{ id: 'a', text: 'changed' }]);
    const claiming = owner.changes.claimPending(name, NEW.fingerprint, claim);
    expect(await Promise.race([claiming, delay(300, 'waits')])).toBe('waits');
    await end('ROLLBACK');
    expect((await claiming).map(({ id }) => id)).toEqual(['a']);
  });

  it.each(['READ COMMITTED', 'REPEATABLE READ', 'SERIALIZABLE'])(
    'whose snapshot (%s) is older than a space and its vectors leave no vector behind',
    async (isolation) => {
      await begin(isolation);
      await transaction.query(`SELECT * FROM ${table}`);
      const { owner } = database;
      await owner.vectors.openSpace(name, NEW);
      await owner.vectors.writeVectors(
        name,
        NEW.fingerprint,
        vectors(await owner.collections.readRange(name, { after: null, upTo: null })),
      );
      // It may be made to try again; it may not be let through without effect on the vectors.
      const deleted = await transaction.query(`DELETE FROM ${table} WHERE id = 'a'`).then(
        () => true,
        (error: unknown) => sqlState(error) === '40001' && 'again',
      );
      if (deleted === 'again') {
        await transaction.query('ROLLBACK');
        await transaction.query(`BEGIN ISOLATION LEVEL ${isolation}`);
        await transaction.query(`DELETE FROM ${table} WHERE id = 'a'`);
      }
      await transaction.query(`UPDATE ${table} SET text = 'edited' WHERE id = 'b'`);
      await end('COMMIT');
      for (const { fingerprint } of [OLD, NEW]) {
        expect(await owner.vectors.coverage(name, fingerprint)).toMatchObject({ orphans: 0, pending: 1 });
        expect((await owner.changes.readPending(name, fingerprint, 10)).map(({ id }) => id)).toEqual(['b']);
        await owner.vectors.writeVectors(
          name,
          fingerprint,
          (await owner.changes.readPending(name, fingerprint, 10)).map((row) => ({
            ...row,
            dense: new Float32Array(fingerprint === OLD.fingerprint ? 4 : 3).fill(1),
            variant: 'fp32' as const,
            tokenizerRevision: 1,
            truncated: false,
          })),
        );
        expect(await owner.vectors.coverage(name, fingerprint)).toEqual({
          rows: 2,
          current: 2,
          missing: 0,
          stale: 0,
          orphans: 0,
          malformed: 0,
          truncated: 0,
          pending: 0,
        });
      }
    },
  );

  it('hold up a vector of the row that they change, and the vector is not written then', async () => {
    await begin('READ COMMITTED');
    const { owner } = database;
    await owner.vectors.openSpace(name, NEW);
    const rows = await owner.collections.readRange(name, { after: null, upTo: null });
    await transaction.query(`UPDATE ${table} SET text = 'edited' WHERE id = 'a'`);
    const writing = owner.vectors.writeVectors(name, NEW.fingerprint, vectors(rows));
    expect(await waitsForALock(writing)).toBe(true);
    await end('COMMIT');
    expect(await writing).toEqual({ written: 2, outdated: 1 });
    expect((await owner.changes.readPending(name, NEW.fingerprint, 10)).map(({ id }) => id)).toEqual(['a']);
  });

  it('that never end make a switch of spaces give up, with nothing changed and nobody held for long', async () => {
    await begin('READ COMMITTED');
    const { owner, application } = database;
    const { id } = await owner.migrations.createMigration(name, NEW, 'spec', {});
    await owner.vectors.openSpace(name, NEW);
    await transaction.query(`UPDATE ${table} SET text = 'held' WHERE id = 'a'`);
    const change = {
      expected: ['planned'] as const,
      to: 'cut-over' as const,
      event: 'cutover',
      figures: {},
      from: OLD.fingerprint,
      toSpace: NEW.fingerprint,
      maxPending: 10,
    };
    const switching = owner.migrations
      .switchSpace(id, 'spec', change, async (rows) => vectors(rows))
      .catch((error: unknown) => error);
    // A writer that queues behind the switch is let through when the switch makes way.
    await application.write(name, [{ id: 'b', text: 'in between' }]);
    expect(await switching).toMatchObject({ code: 'STORE_BUSY' });
    expect((await owner.collections.collection(name)).activeSpace).toBe(OLD.fingerprint);
    await end('ROLLBACK');
    expect(await owner.migrations.switchSpace(id, 'spec', change, async (rows) => vectors(rows))).toMatchObject({
      caughtUp: 1,
    });
  });

  it('and writes of vectors do not keep a space from being closed', async () => {
    await begin('READ COMMITTED');
    await end('COMMIT');
    const { owner, joined } = database;
    for (let round = 0; round < 5; round++) {
      await owner.vectors.openSpace(name, NEW);
      const rows = await owner.collections.readRange(name, { after: null, upTo: null });
      const writes = Array.from({ length: 8 }, (_, i) =>
        (i % 2 === 0 ? owner : joined).vectors
          .writeVectors(name, NEW.fingerprint, vectors(rows))
          .catch((error: unknown) => (error instanceof KimeraError ? error.code : error)),
      );
      await owner.vectors.closeSpace(name, NEW.fingerprint);
      for (const outcome of await Promise.all(writes))
        expect([{ written: 3, outdated: 0 }, 'UNKNOWN_SPACE']).toContainEqual(outcome);
    }
  });
});
