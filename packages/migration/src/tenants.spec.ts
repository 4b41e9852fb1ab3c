import { describe, expect, it } from '@jest/globals';
import { KimeraError } from '@kimera/core';
import { cutOver, migrationStatus, retireMigration, rollBack, verifyMigration } from './index.js';
import {
  COLLECTION,
  ENOUGH,
  journey,
  queries,
  ready,
  SOURCE_SPACE,
  state,
  TARGET_SPACE,
  text,
  type Journey,
} from './journey.fixture.js';

const OLD = SOURCE_SPACE.fingerprint;
const NEW = TARGET_SPACE.fingerprint;
const TENANTS = ['acme', 'globex', 'umbrella'];

/** Ready for a cutover; rows belong to the three tenants in turn. */
const shared = async (): Promise<Journey> =>
  ready(await journey({ store: { tenantOf: (id) => TENANTS[Number(id.slice(1)) % 3] ?? '' } }));
const spaces = ({ store }: Journey): Promise<readonly string[]> =>
  Promise.all(
    [undefined, ...TENANTS].map(async (tenant) => (await store.collections.collection(COLLECTION, tenant)).activeSpace),
  );
const codeOf = async (call: Promise<unknown>): Promise<unknown> =>
  call.then(
    () => 'done',
    (error: unknown) => (error instanceof KimeraError ? error.code : error),
  );
const moved = async (parts: Journey) => (await migrationStatus(parts)).moved;

describe('tenants', () => {
  it('are cut over some at a time, then all, and rolled back together', async () => {
    const parts = await shared();
    expect(await moved(parts)).toEqual({ of: 'nobody', tenants: [] });
    await cutOver(parts, { tenants: ['acme'] });
    expect([await state(parts), await spaces(parts)]).toEqual(['cut-over', [OLD, NEW, OLD, OLD]]);
    await cutOver(parts, { tenants: ['umbrella'] });
    expect(await moved(parts)).toEqual({ of: 'some tenants', tenants: ['acme', 'umbrella'] });
    await cutOver(parts);
    expect([await state(parts), await spaces(parts)]).toEqual(['cut-over', [NEW, NEW, NEW, NEW]]);
    expect(await moved(parts)).toEqual({ of: 'everybody', tenants: [] });
    expect(await codeOf(cutOver(parts))).toBe('MIGRATION_STATE');
    await rollBack(parts, { tenants: ['globex'] });
    expect([await state(parts), await spaces(parts)]).toEqual(['cut-over', [NEW, NEW, OLD, NEW]]);
    expect(await moved(parts)).toEqual({ of: 'all but some', tenants: ['globex'] });
    await rollBack(parts);
    expect([await state(parts), await spaces(parts)]).toEqual(['rolled-back', [OLD, OLD, OLD, OLD]]);
    expect(await moved(parts)).toEqual({ of: 'nobody', tenants: [] });
  });

  it('that are the last in the new space leave a migration that is rolled back: it is verified again', async () => {
    const parts = await shared();
    await cutOver(parts, { tenants: ['acme', 'globex'] });
    await rollBack(parts, { tenants: ['acme'] });
    expect(await state(parts)).toBe('cut-over');
    await rollBack(parts, { tenants: ['globex'] });
    expect(await state(parts)).toBe('rolled-back');
    expect(await codeOf(cutOver(parts, { tenants: ['acme'] }))).toBe('MIGRATION_STATE');
    await verifyMigration(parts, { queries: queries(ENOUGH) });
    await cutOver(parts, { tenants: ['acme'] });
    expect(await spaces(parts)).toEqual([OLD, NEW, OLD, OLD]);
  });

  it('that are rolled back at the same time leave a migration that is rolled back', async () => {
    const parts = await shared();
    await cutOver(parts, { tenants: TENANTS });
    await Promise.all(TENANTS.map((tenant) => rollBack(parts, { tenants: [tenant] })));
    expect([await state(parts), await spaces(parts)]).toEqual(['rolled-back', [OLD, OLD, OLD, OLD]]);
  });

  it('keep both spaces until they are in one, whichever it is', async () => {
    const parts = await shared();
    await cutOver(parts, { tenants: ['acme'] });
    expect(await codeOf(retireMigration(parts))).toBe('TENANTS_SPLIT');
    await cutOver(parts);
    await rollBack(parts, { tenants: ['acme'] });
    expect(await codeOf(retireMigration(parts))).toBe('TENANTS_SPLIT');
    expect(await state(parts)).toBe('cut-over');
    await cutOver(parts, { tenants: ['acme'] });
    await retireMigration(parts);
    expect((await parts.store.vectors.spaces(COLLECTION)).map(({ fingerprint }) => fingerprint)).toEqual([NEW]);
  });

  it('that were cut over are named in the log', async () => {
    const parts = await shared();
    await parts.store.writeAsApplication(
      COLLECTION,
      Array.from({ length: 6 }, (_, i) => ({ id: `r${String(i).padStart(5, '0')}`, text: `changed ${text(i)}` })),
    );
    const { caughtUp, caughtUpBefore } = await cutOver(parts, { tenants: ['acme'] });
    expect(caughtUp + caughtUpBefore).toBe(6);
    const { id } = await parts.store.migrations.latestMigration(COLLECTION);
    expect((await parts.store.migrations.events(id)).at(-1)).toMatchObject({
      event: 'cutover',
      figures: { tenants: ['acme'] },
    });
  });

  it.each([
    [[], 'TENANT_NAME'],
    [['acme', ''], 'TENANT_NAME'],
  ])('%j are refused: %s', async (tenants, code) => {
    const parts = await shared();
    for (const step of [cutOver, rollBack]) expect(await codeOf(step(parts, { tenants }))).toBe(code);
    expect([await state(parts), await spaces(parts)]).toEqual(['ready', [OLD, OLD, OLD, OLD]]);
  });

  it('that are in the new space already, or that rows do not have, are refused', async () => {
    const parts = await shared();
    await cutOver(parts, { tenants: ['acme'] });
    expect(await codeOf(cutOver(parts, { tenants: ['globex', 'acme'] }))).toBe('SPACE_MISMATCH');
    expect(await codeOf(rollBack(parts, { tenants: ['globex'] }))).toBe('SPACE_MISMATCH');
    expect(await spaces(parts)).toEqual([OLD, NEW, OLD, OLD]);
    expect(await codeOf(cutOver(await ready(await journey()), { tenants: ['acme'] }))).toBe('NO_TENANTS');
  });
});
