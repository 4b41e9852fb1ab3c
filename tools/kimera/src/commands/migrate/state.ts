import {
  shortFingerprint,
  type CollectionFault,
  type Coverage,
  type EmbeddingSpace,
  type MigrationEvent,
} from '@kimera/core';
import type { MigrationStatus, MovedTenants, SpaceLag } from '@kimera/migration';
import type { PostgresStore } from '@kimera/store-postgres';
import type { CommandContext } from '../../console/command-context.js';
import { formatCount, formatDuration } from '../../console/format.js';
import { printable } from '../../console/printable.js';
import { columnRules } from './column-rules.js';
import { withoutPassword, type DatabaseOptions } from './options.js';

/** What to do next: only what the state machine allows now. */
export function nextStep({
  migration,
  jobs,
  events,
  moved,
}: Pick<MigrationStatus, 'migration' | 'jobs' | 'events' | 'moved'>): string {
  switch (migration.state) {
    case 'planned':
      return 'kimera migrate start';
    case 'backfilling':
      if (jobs.waiting + jobs.active > 0)
        return 'kimera migrate work (as many as you like), then kimera migrate verify';
      return jobs.failed > 0
        ? 'kimera migrate retire, then kimera migrate plan again: jobs that were given up are not taken up again'
        : 'kimera migrate verify';
    case 'paused':
      return 'kimera migrate resume';
    case 'verifying':
      return afterVerdict(events.findLast(({ event }) => event === 'verdict')?.figures['verdict']);
    case 'ready':
      return 'kimera migrate cutover';
    case 'cut-over':
      if (moved.tenants.length > 0)
        return 'kimera migrate cutover for more tenants (--tenant NAME) or for all, kimera migrate rollback to go back';
      return 'kimera migrate rollback to go back, kimera migrate retire to drop the old vectors';
    case 'rolled-back':
      return 'kimera migrate verify to try again, kimera migrate retire to drop the new vectors';
    case 'retired':
      return 'kimera migrate plan --to MODEL for another';
  }
}

/** `verifying` is where a verdict leaves a migration that it does not let pass. */
function afterVerdict(verdict: unknown): string {
  if (verdict === 'INCONCLUSIVE')
    return 'kimera migrate verify --queries FILE with more judged queries, or kimera migrate verify --accept "why" to go on without a decision';
  return verdict === 'NO-GO'
    ? 'kimera migrate retire to keep the old space, or kimera migrate verify again once the reason is mended'
    : 'kimera migrate verify';
}

/**
 * The state that every `migrate` command ends with, the same for people and for programs; `more` is the command's own
 * result.
 */
export async function printState(
  context: CommandContext,
  store: PostgresStore,
  { collection, database, json }: DatabaseOptions,
  more: Readonly<Record<string, unknown>> = {},
): Promise<void> {
  const { migrationStatus } = await import('@kimera/migration');
  const status = await migrationStatus({ store, collection });
  if (json === true) return context.stdout.json({ ...more, status: { state: 'migration', ...status } });
  const adopted = await store.adoption.adopted(collection);
  const { migration, jobs, source, target, poison, inPlace, moved, lag, faults } = status;
  const { bold } = context.colors;
  const side = (label: string, space: EmbeddingSpace, coverage: Coverage | null): string =>
    `${label} ${describeSpace(space, space.fingerprint === status.activeSpace, coverage)}`;
  const where = database === undefined ? '' : ` --database ${withoutPassword(database)}`;
  const call = (command: string): string => `kimera migrate ${command}${where} --collection ${collection}`;
  const next = nextStep(status).replaceAll(/kimera migrate ([a-z]+)/g, (_, command: string) => call(command));
  const blocking = poison.filter(({ excused }) => excused === 'no');
  const lines = [
    `collection ${bold(collection)} (table ${printable(status.table)}), migration ${migration.id}: ${bold(migration.state)}`,
    side('  from', migration.source, source),
    side('  to  ', migration.target, target),
    ...(inPlace === null
      ? []
      : [
          `  in place: ${printable(inPlace.column)} of ${printable(inPlace.table)} has the active space, ${inPlace.spare} beside it the other one`,
        ]),
    ...describeTenants(moved),
    ...lag.filter(({ pending }) => pending > 0).map(describeLag),
    ...faults.map(describeFault),
    ...(faults.length === 0
      ? []
      : [`  broken: a keeper mends it (${call('work')} --forever) once the table is as it was`]),
    `  jobs: ${jobs.done} done, ${jobs.active} under way, ${jobs.waiting} waiting${jobs.failed > 0 ? `, ${jobs.failed} given up` : ''}`,
    ...(blocking.length === 0
      ? []
      : [
          `  ${blocking.length} rows could not be embedded: ${blocking
            .slice(0, 3)
            .map(({ id, reason }) => `${printable(id)} (${printable(reason)})`)
            .join(', ')}; change them, or ${call('excuse')} ID…`,
        ]),
    ...(adopted.vector === null ? [] : await columnRules(adopted.vector, migration.state, adopted.observed)),
    `  next: ${printable(next)}`,
  ];
  for (const line of lines) await context.stdout.line(line);
}

export function describeSpace(space: EmbeddingSpace, isActive: boolean, coverage: Coverage | null): string {
  const { modelId, fingerprint, dimension, maxTokens } = space;
  const cut =
    coverage !== null && coverage.truncated > 0
      ? `, ${formatCount(coverage.truncated)} of texts cut to ${formatCount(maxTokens)} tokens`
      : '';
  const held =
    coverage === null
      ? 'no vectors'
      : `${formatCount(coverage.current)} of ${formatCount(coverage.rows)} rows, ${formatCount(coverage.pending)} changes wait${cut}`;
  return `${printable(modelId)} (${shortFingerprint(fingerprint)}, ${dimension} numbers)${isActive ? ' ACTIVE' : ''}: ${held}`;
}

function describeTenants({ of, tenants }: MovedTenants): readonly string[] {
  if (tenants.length === 0) return [];
  const some = `${tenants.slice(0, 5).map(printable).join(', ')}${tenants.length > 5 ? ` and ${formatCount(tenants.length - 5)} more` : ''}`;
  return [
    of === 'some tenants'
      ? `  tenants in the new space: ${some}; all others in the old one`
      : `  tenants in the old space: ${some}; all others in the new one`,
  ];
}

export function describeLag({ space, pending, oldestSeconds }: SpaceLag): string {
  return `  lag in ${printable(space.modelId)}: ${formatCount(pending)} changes wait, the oldest for ${formatDuration(oldestSeconds * 1000)}`;
}

export function describeFault({ kind, at, detail }: CollectionFault): string {
  return `  fault: ${kind}${at === null ? '' : ` since ${at}`}: ${printable(detail)}`;
}

/** The log, a line an event. */
export async function formatTableOfEvents(events: readonly MigrationEvent[]): Promise<string> {
  const { cell, formatTable } = await import('../../console/table.js');
  const figures = (event: MigrationEvent): string =>
    Object.entries(event.figures)
      .map(([name, value]) => `${name} ${String(value)}`)
      .join(', ');
  return formatTable(
    ['AT', 'EVENT', 'STATE', 'BY', 'FIGURES'],
    events.map((event) => [event.at, event.event, event.state, printable(event.by), cell(figures(event), 100)]),
  );
}
