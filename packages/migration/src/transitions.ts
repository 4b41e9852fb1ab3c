import type { MigrationState } from '@kimera/core';

interface Rule {
  readonly expected: readonly MigrationState[];
  readonly to: MigrationState;
}

/**
 * planned → backfilling ⇄ paused → verifying → ready → cut-over → rolled-back → retired; a rolled-back migration may be
 * verified again.
 */
export const TRANSITIONS = {
  start: { expected: ['planned'], to: 'backfilling' },
  pause: { expected: ['backfilling'], to: 'paused' },
  resume: { expected: ['paused'], to: 'backfilling' },
  verify: { expected: ['backfilling', 'verifying', 'ready', 'rolled-back'], to: 'verifying' },
  pass: { expected: ['verifying'], to: 'ready' },
  cutover: { expected: ['ready'], to: 'cut-over' },
  rollback: { expected: ['cut-over'], to: 'rolled-back' },
  retire: {
    expected: ['planned', 'backfilling', 'paused', 'verifying', 'ready', 'cut-over', 'rolled-back'],
    to: 'retired',
  },
} as const satisfies Readonly<Record<string, Rule>>;
