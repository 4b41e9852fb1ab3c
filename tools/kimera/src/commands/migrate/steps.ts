import type { Command } from 'commander';
import type { MigrationParts } from '@kimera/migration';
import type { CommandContext } from '../../console/command-context.js';
import type { CommandText } from '../../console/create-command.js';
import { modelCommand, type ModelOptions } from './options.js';
import { printState } from './state.js';

interface StepOptions extends ModelOptions {
  readonly inPlace?: true;
  readonly accept?: readonly string[];
}

interface Step {
  readonly name: string;
  readonly text: CommandText;
  /** Its result is printed with the state. */
  readonly run: (parts: MigrationParts, options: StepOptions) => Promise<Readonly<Record<string, unknown>>>;
  readonly options?: (command: Command) => Command;
}

const acceptOption = (command: Command): Command =>
  command.option('--accept <kind:name...>', 'in place: what may happen to these, as "migrate plan" lists them');
const engine = () => import('@kimera/migration');

/** Commands that are one call of the engine. */
const STEPS: readonly Step[] = [
  {
    name: 'start',
    text: {
      summary: 'open the new space and queue the backfill',
      description: [
        'From here on every change of the collection is queued for the new space too. Searches go on in the old space.',
        'With --in-place, for applications that search an adopted table with their own SQL, the table gets a column for the new vectors beside its own, and cutover exchanges their names: indexes, views and rights come along, "migrate plan" lists them. Just after it the application must embed its queries with the new model: the model alias of the server does so.',
      ].join('\n'),
      examples: [
        'migrate start --database ./data --collection docs',
        'migrate start --collection docs --in-place --accept trigger:set_updated_at',
      ],
    },
    options: (command) =>
      acceptOption(
        command.option('--in-place', 'exchange the vector column of the application’s table at the cutover'),
      ),
    run: async (parts, { inPlace, accept: accepted = [] }) => {
      const { startMigration } = await engine();
      return { started: (await startMigration(parts, inPlace === true ? { inPlace: { accepted } } : {})).id };
    },
  },
  {
    name: 'cutover',
    text: {
      summary: 'searches use the new space',
      description:
        'Needs a GO of "migrate verify" (or an accepted INCONCLUSIVE). The last changes are embedded while writers wait; one pointer moves. The old vectors stay. In place, every index is built on the new column first, without holding anybody up; then the names of the two columns are exchanged in the same transaction.',
      examples: ['migrate cutover --database ./data --collection docs'],
    },
    options: acceptOption,
    run: async (parts, { accept: accepted = [] }) => ({ cutover: await (await engine()).cutOver(parts, { accepted }) }),
  },
  {
    name: 'rollback',
    text: {
      summary: 'searches use the old space again',
      description:
        'The vectors of unchanged rows are those from before, byte for byte; changed rows are embedded with the old model.',
      examples: ['migrate rollback --database ./data --collection docs'],
    },
    options: acceptOption,
    run: async (parts, { accept: accepted = [] }) => ({
      rollback: await (await engine()).rollBack(parts, { accepted }),
    }),
  },
];

export function stepCommands(context: CommandContext): readonly Command[] {
  return STEPS.map(({ name, text, options: add = (command) => command, run }) =>
    add(modelCommand(context, name, text)).action(async (options: StepOptions) => {
      const { openSession } = await import('./session.js');
      const { parts, store, close } = await openSession(context, options, 'go on');
      try {
        await printState(context, store, options, await run(parts, options));
      } finally {
        await close();
      }
    }),
  );
}
