import type { Command } from 'commander';
import type { PostgresStore } from '@kimera/store-postgres';
import type { CommandContext } from '../../console/command-context.js';
import type { CommandText } from '../../console/create-command.js';
import { actor, withStore } from './database.js';
import { databaseCommand, type DatabaseOptions } from './options.js';
import { printCollection } from './collection-state.js';
import { formatTableOfEvents, printState } from './state.js';

interface StoreParts {
  readonly store: PostgresStore;
  readonly collection: string;
  readonly by: string;
}

/** Commands that need no model. */
export function storeCommands(context: CommandContext): readonly Command[] {
  return [
    statusCommand(context),
    pauseCommand(context),
    resumeCommand(context),
    retireCommand(context),
    excuseCommand(context),
  ];
}

function statusCommand(context: CommandContext): Command {
  return databaseCommand(context, 'status', {
    summary: 'where a collection and its migration stand',
    description: 'Also where no migration was planned, and where the table is gone or not as it was.',
    examples: ['migrate status --database ./data --collection docs', 'migrate status --collection docs --json'],
  })
    .option('--events', 'the log too')
    .action((options: DatabaseOptions & { readonly events?: true }) =>
      withStore(context, options, async (store) => {
        const { collectionStatus } = await import('@kimera/migration');
        const status = await collectionStatus({ store, collection: options.collection });
        await (status.state === 'migration'
          ? printState(context, store, options)
          : printCollection(context, store, options, status));
        if (options.events !== true || options.json === true || status.migration === null) return;
        const { id } = status.migration;
        await context.stdout.line(await formatTableOfEvents(await store.migrations.events(id)));
      }),
    );
}

function pauseCommand(context: CommandContext): Command {
  return transitionCommand(
    context,
    'pause',
    { summary: 'let the workers stop at their next batch', examples: ['migrate pause --collection docs'] },
    async (parts) => {
      const { pauseMigration } = await import('@kimera/migration');
      return { paused: (await pauseMigration(parts)).id };
    },
  );
}

function resumeCommand(context: CommandContext): Command {
  return transitionCommand(
    context,
    'resume',
    { summary: 'go on after a pause', examples: ['migrate resume --collection docs'] },
    async (parts) => {
      const { resumeMigration } = await import('@kimera/migration');
      return { resumed: (await resumeMigration(parts)).id };
    },
  );
}

function retireCommand(context: CommandContext): Command {
  const text = {
    summary: 'end a migration and drop the vectors that searches do not use',
    description:
      'After a cutover the old vectors go, and with them the way back. Before it, or after a rollback, the new ones go, and the collection is as if nothing had been.',
    examples: ['migrate retire --database ./data --collection docs'],
  };
  return transitionCommand(context, 'retire', text, async (parts) => {
    const { retireMigration } = await import('@kimera/migration');
    return { retired: (await retireMigration(parts)).id };
  });
}

/** A change of state that needs no model, then the state. */
function transitionCommand(
  context: CommandContext,
  name: string,
  text: CommandText,
  move: (parts: StoreParts) => Promise<Readonly<Record<string, string>>>,
): Command {
  return databaseCommand(context, name, text).action((options: DatabaseOptions) =>
    withStore(context, options, async (store) => {
      const moved = await move({ store, collection: options.collection, by: actor() });
      await printState(context, store, options, moved);
    }),
  );
}

function excuseCommand(context: CommandContext): Command {
  return databaseCommand(context, 'excuse', {
    summary: 'accept that some rows have no vector',
    examples: ['migrate excuse --collection docs row-17 row-23'],
  })
    .argument('<ids...>', 'rows that could not be embedded')
    .action((ids: readonly string[], options: DatabaseOptions) =>
      withStore(context, options, async (store) => {
        const { id } = await store.migrations.latestMigration(options.collection);
        const excused = await store.migrations.excuse(id, actor(), ids);
        await printState(context, store, options, { excused });
      }),
    );
}
