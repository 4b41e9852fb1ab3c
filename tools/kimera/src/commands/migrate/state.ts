import { shortFingerprint, type Coverage } from '@kimera/core';
import type { MigrationStatus } from '@kimera/migration';
import type { PostgresStore } from '@kimera/store-postgres';
import type { CommandContext } from '../../console/command-context.js';
import { formatCount } from '../../console/format.js';
import { printable } from '../../console/printable.js';

/** What to do next, by state. */
const NEXT: Readonly<Record<MigrationStatus['migration']['state'], string>> = {
  planned: 'kimera migrate start',
  backfilling: 'kimera migrate work (as many as you like), then kimera migrate verify',
  paused: 'kimera migrate resume',
  verifying: 'kimera migrate verify again after a change, or kimera migrate retire to give up',
  ready: 'kimera migrate cutover',
  'cut-over': 'kimera migrate rollback to go back, kimera migrate retire to drop the old vectors',
  'rolled-back': 'kimera migrate verify to try again, kimera migrate retire to drop the new vectors',
  retired: 'kimera migrate plan for another',
};

/**
 * The state that every `migrate` command ends with, the same for people and for programs; `more` is the command's own
 * result.
 */
export async function printState(
  context: CommandContext,
  store: PostgresStore,
  collection: string,
  json: true | undefined,
  more: Readonly<Record<string, unknown>> = {},
): Promise<void> {
  const { migrationStatus } = await import('@kimera/migration');
  const status = await migrationStatus({ store, collection });
  if (json === true) return context.stdout.json({ ...more, status });
  const { migration, jobs, source, target, poison } = status;
  const { bold } = context.colors;
  const side = (label: string, space: MigrationStatus['migration']['source'], coverage: Coverage | null): string =>
    `${label} ${printable(space.modelId)} (${shortFingerprint(space.fingerprint)}, ${space.dimension} numbers)${space.fingerprint === status.activeSpace ? ' ACTIVE' : ''}: ${coverage === null ? 'no vectors' : `${formatCount(coverage.current)} of ${formatCount(coverage.rows)} rows, ${formatCount(coverage.pending)} changes wait${coverage.truncated > 0 ? `, ${formatCount(coverage.truncated)} of texts cut to ${formatCount(space.maxTokens)} tokens` : ''}`}`;
  const blocking = poison.filter(({ excused }) => excused === 'no');
  const lines = [
    `collection ${bold(collection)} (table ${printable(status.table)}), migration ${migration.id}: ${bold(migration.state)}`,
    side('  from', migration.source, source),
    side('  to  ', migration.target, target),
    `  jobs: ${jobs.done} done, ${jobs.active} under way, ${jobs.waiting} waiting${jobs.failed > 0 ? `, ${jobs.failed} given up` : ''}`,
    ...(blocking.length === 0
      ? []
      : [
          `  ${blocking.length} rows could not be embedded: ${blocking
            .slice(0, 3)
            .map(({ id, reason }) => `${printable(id)} (${printable(reason)})`)
            .join(', ')}; change them or kimera migrate excuse`,
        ]),
    `  next: ${NEXT[migration.state]}`,
  ];
  for (const line of lines) await context.stdout.line(line);
}
