/** Where a migration stands. A file of its own: errors carry it, and what errors need imports nothing. */
export type MigrationState =
  'planned' | 'backfilling' | 'paused' | 'verifying' | 'ready' | 'cut-over' | 'rolled-back' | 'retired';
