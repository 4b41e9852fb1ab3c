import { expect, it } from '@jest/globals';
import type { MovedTenants } from '@kimera/migration';
import { fakeSpace } from '@kimera/testing';
import type { JobCounts, MigrationEvent, MigrationState } from '@kimera/core';
import { nextStep } from './state.js';

const NO_JOBS: JobCounts = { waiting: 0, active: 0, done: 3, failed: 0 };

function next(
  state: MigrationState,
  jobs: Partial<JobCounts> = {},
  verdicts: readonly string[] = [],
  moved: MovedTenants = { of: 'nobody', tenants: [] },
): string {
  const space = fakeSpace('any');
  return nextStep({
    migration: { id: 'm', collection: 'docs', source: space, target: space, state, created: '' },
    moved,
    jobs: { ...NO_JOBS, ...jobs },
    events: verdicts.map((verdict): MigrationEvent => ({
      at: '',
      by: '',
      event: 'verdict',
      state,
      figures: { verdict },
    })),
  });
}

it('what comes next is what the state allows, and never a dead end', () => {
  expect(next('planned')).toBe('kimera migrate start');
  expect(next('backfilling', { waiting: 1 })).toMatch(/migrate work .* then kimera migrate verify/);
  expect(next('backfilling')).toBe('kimera migrate verify');
  expect(next('backfilling', { failed: 1 })).toMatch(/^kimera migrate retire, then kimera migrate plan again/);
  expect(next('paused')).toBe('kimera migrate resume');
  expect(next('verifying')).toBe('kimera migrate verify');
  expect(next('verifying', {}, ['NO-GO', 'INCONCLUSIVE'])).toMatch(/--queries FILE .* --accept "why"/);
  expect(next('verifying', {}, ['INCONCLUSIVE', 'NO-GO'])).toMatch(/^kimera migrate retire/);
  expect(next('ready')).toBe('kimera migrate cutover');
  expect(next('cut-over')).toMatch(/rollback .* retire/);
  expect(next('cut-over', {}, [], { of: 'some tenants', tenants: ['acme'] })).toMatch(/cutover .*--tenant.* rollback/);
  expect(next('rolled-back')).toMatch(/verify .* retire/);
  expect(next('retired')).toMatch(/plan/);
});
