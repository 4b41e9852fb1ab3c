import type { Command } from 'commander';
import type { PostgresStore } from '@kimera/store-postgres';
import type { CommandContext } from '../../console/command-context.js';
import { formatTableOfEvents } from './events.js';
import { openDatabase } from './database.js';
import { databaseCommand, type DatabaseOptions } from './options.js';
import { actor } from './session.js';
import { printState } from './state.js';

/** Commands that need no model. */
export function storeCommands(context: CommandContext): readonly Command[] {
  return [statusCommand(context), pauseCommand(context), resumeCommand(context), retireCommand(context), excuseCommand(context)];
}

function statusCommand(context: CommandContext): Command {
  return databaseCommand(context, 'status', { summary: 'where a migration stands', examples: ['migrate status --database ./data --collection docs', 'migrate status --collection docs --json'] })
    .option('--events', 'the log too')
    .action((options: DatabaseOptions & { readonly events?: true }) =>
      withStore(context, options, async (store) => {
        await printState(context, store, options.collection, options.json);
        if (options.events !== true || options.json === true) return;
        const { id } = await store.latestMigration(options.collection);
        await context.stdout.line(formatTableOfEvents(await store.events(id)));
      }),
    );
}

function pauseCommand(context: CommandContext): Command {
  return databaseCommand(context, 'pause', { summary: 'let the workers stop at their next batch', examples: ['migrate pause --collection docs'] }).action((options: DatabaseOptions) =>
    withStore(context, options, async (store) => {
      const { pauseMigration } = await import('@kimera/migration');
      const { id } = await pauseMigration({ store, collection: options.collection, by: actor() });
      await printState(context, store, options.collection, options.json, { paused: id });
    }),
  );
}

function resumeCommand(context: CommandContext): Command {
  return databaseCommand(context, 'resume', { summary: 'go on after a pause', examples: ['migrate resume --collection docs'] }).action((options: DatabaseOptions) =>
    withStore(context, options, async (store) => {
      const { resumeMigration } = await import('@kimera/migration');
      const { id } = await resumeMigration({ store, collection: options.collection, by: actor() });
      await printState(context, store, options.collection, options.json, { resumed: id });
    }),
  );
}

function retireCommand(context: CommandContext): Command {
  return databaseCommand(context, 'retire', {
    summary: 'end a migration and drop the vectors that searches do not use',
    description: 'After a cutover the old vectors go, and with them the way back. Before it, or after a rollback, the new ones go, and the collection is as if nothing had been.',
    examples: ['migrate retire --database ./data --collection docs'],
  }).action((options: DatabaseOptions) =>
    withStore(context, options, async (store) => {
      const { retireMigration } = await import('@kimera/migration');
      const { id } = await retireMigration({ store, collection: options.collection, by: actor() });
      await printState(context, store, options.collection, options.json, { retired: id });
    }),
  );
}

function excuseCommand(context: CommandContext): Command {
  return databaseCommand(context, 'excuse', { summary: 'accept that some rows have no vector', examples: ['migrate excuse --collection docs row-17 row-23'] })
    .argument('<ids...>', 'rows that could not be embedded')
    .action((ids: readonly string[], options: DatabaseOptions) =>
      withStore(context, options, async (store) => {
        const { id } = await store.latestMigration(options.collection);
        const excused = await store.excuse(id, actor(), ids);
        await printState(context, store, options.collection, options.json, { excused });
      }),
    );
}

async function withStore(context: CommandContext, { database }: DatabaseOptions, run: (store: PostgresStore) => Promise<void>): Promise<void> {
  const store = await openDatabase(context, database);
  try {
    await run(store);
  } finally {
    await store.close();
  }
}
