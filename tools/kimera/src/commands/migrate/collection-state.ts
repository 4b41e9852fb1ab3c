import type { CollectionStatus } from '@kimera/migration';
import type { PostgresStore } from '@kimera/store-postgres';
import type { CommandContext } from '../../console/command-context.js';
import { printable } from '../../console/printable.js';
import { columnRules } from './column-rules.js';
import { commandLine, type DatabaseOptions } from './options.js';
import { describeFault, describeLag, describeSpace } from './state.js';

/** The state of a collection that has no migration, or whose table is gone or not as it was. */
export async function printCollection(
  context: CommandContext,
  store: PostgresStore,
  { collection, database, json }: DatabaseOptions,
  status: CollectionStatus,
): Promise<void> {
  if (json === true) return context.stdout.json({ status });
  const { state, migration, active, faults, lag } = status;
  const { vector, observed, origin } = await store.adoption.adopted(collection);
  const call = (name: string, ...more: readonly (readonly [string, string])[]): string =>
    commandLine(name, database, [['--collection', collection], ...more]);
  const { bold } = context.colors;
  const lines = [
    `collection ${bold(collection)}${active === null ? '' : ` (table ${printable(active.table)})`}: ${bold(state)}${migration === null ? ', no migration' : `, migration ${migration.id}: ${migration.state}`}`,
    ...(active === null ? [] : [`  ${describeSpace(active.space, true, active.coverage)}`]),
    ...lag.filter(({ pending }) => pending > 0).map(describeLag),
    ...faults.map(describeFault),
    ...(vector === null || state === 'broken' ? [] : await columnRules(vector, null, observed)),
    ...(state === 'broken'
      ? [
          `  next: make the table as it was; a keeper (${commandLine('work', database, [])} --forever) or ${call('repair')} then mends the rest`,
          `    or: ${call(origin === 'adopted' ? 'unadopt' : 'drop')}  (lets the collection go)`,
        ]
      : [
          ...(faults.length === 0 ? [] : [`  broken: a keeper mends it, or ${call('repair')}`]),
          `  next: ${call('plan', ['--to', 'MODEL'])}`,
        ]),
  ];
  for (const line of lines) await context.stdout.line(line);
}
