import type { Command } from 'commander';
import type { MigrationParts } from '@kimera/migration';
import type { CommandContext } from '../../console/command-context.js';
import type { CommandText } from '../../console/create-command.js';
import { modelCommand, type ModelOptions } from './options.js';
import { printState } from './state.js';

interface Step {
  readonly name: string;
  readonly text: CommandText;
  /** Its result is printed with the state. */
  readonly run: (parts: MigrationParts) => Promise<Readonly<Record<string, unknown>>>;
}

const engine = () => import('@kimera/migration');

/** Commands that are one call of the engine. */
const STEPS: readonly Step[] = [
  {
    name: 'start',
    text: {
      summary: 'open the new space and queue the backfill',
      description:
        'From here on every change of the collection is queued for the new space too. Searches go on in the old space.',
      examples: ['migrate start --database ./data --collection docs'],
    },
    run: async (parts) => ({ started: (await (await engine()).startMigration(parts)).id }),
  },
  {
    name: 'cutover',
    text: {
      summary: 'searches use the new space',
      description:
        'Needs a GO of "migrate verify" (or an accepted INCONCLUSIVE). The last changes are embedded while writers wait; one pointer moves. The old vectors stay.',
      examples: ['migrate cutover --database ./data --collection docs'],
    },
    run: async (parts) => ({ cutover: await (await engine()).cutOver(parts) }),
  },
  {
    name: 'rollback',
    text: {
      summary: 'searches use the old space again',
      description:
        'The vectors of unchanged rows are those from before, byte for byte; changed rows are embedded with the old model.',
      examples: ['migrate rollback --database ./data --collection docs'],
    },
    run: async (parts) => ({ rollback: await (await engine()).rollBack(parts) }),
  },
];

export function stepCommands(context: CommandContext): readonly Command[] {
  return STEPS.map(({ name, text, run }) =>
    modelCommand(context, name, text).action(async (options: ModelOptions) => {
      const { openSession } = await import('./session.js');
      const { parts, store, close } = await openSession(context, options, 'go on');
      try {
        await printState(context, store, options, await run(parts));
      } finally {
        await close();
      }
    }),
  );
}
