import { KimeraError } from '@kimera/core';
import type { CollectionParts, PostgresStore } from '@kimera/store-postgres';
import type { Command } from 'commander';
import type { CommandContext } from '../../console/command-context.js';
import { formatBytes, formatCount } from '../../console/format.js';
import { printable } from '../../console/printable.js';
import { NotConfirmedError } from '../../errors.js';
import { withStore } from './database.js';
import { databaseCommand, type DatabaseOptions } from './options.js';

export function removeCommands(context: CommandContext): readonly Command[] {
  return [unadoptCommand(context), dropCommand(context)];
}

function unadoptCommand(context: CommandContext): Command {
  return databaseCommand(context, 'unadopt', {
    summary: 'let a table of your own go',
    description: [
      'Takes the triggers off the table, and removes the copies of vectors, the queue and the log; of the last collection the schema kimera too.',
      'The table, its rows and its own vectors stay. Works too where the table was renamed or dropped. A migration under way is retired first.',
    ].join('\n'),
    examples: ['migrate unadopt --database "$DATABASE_URL" --collection documents'],
  }).action(({ collection, json, ...where }: DatabaseOptions) =>
    withStore(context, where, async (store) => {
      const parts = await store.adoption.unadopt(collection);
      const schemaRemoved = await store.adoption.removeSchema();
      if (json === true) {
        await context.stdout.json({ unadopted: parts, schemaRemoved });
        return;
      }
      await context.stdout.line(
        printable(
          `${collection} is no collection any more: ${whatGoes(parts)} are gone; ${parts.table} ${parts.tableIsThere ? 'is as it was' : 'was gone before'}${schemaRemoved ? '; it was the last collection: the schema kimera is gone too' : ''}`,
        ),
      );
    }),
  );
}

function dropCommand(context: CommandContext): Command {
  return databaseCommand(context, 'drop', {
    summary: 'remove a collection that "init" made, with its rows',
    description:
      'Drops the table with its texts, all vectors, and the log. Without --yes it only says what would go. A table of your own is never dropped: that is "unadopt".',
    examples: ['migrate drop --database ./data --collection docs --yes'],
  })
    .option('--yes', 'do it')
    .action(({ collection, json, yes, ...where }: DatabaseOptions & { readonly yes?: true }) =>
      withStore(context, where, async (store) => {
        if (yes !== true) {
          const parts = await store.adoption.parts(collection);
          const rows = await rowsOf(store, collection, parts);
          throw new NotConfirmedError(`${parts.table}${rows}, ${whatGoes(parts)}`);
        }
        const parts = await store.adoption.drop(collection);
        if (json === true) {
          await context.stdout.json({ dropped: parts });
          return;
        }
        await context.stdout.line(printable(`${collection} is dropped: ${parts.table}, ${whatGoes(parts)}`));
      }),
    );
}

/** Nothing where the table is not as it was when it became a collection. */
async function rowsOf(store: PostgresStore, collection: string, { tableIsThere }: CollectionParts): Promise<string> {
  if (!tableIsThere) return '';
  try {
    return ` with ${formatCount(await store.collections.countRows(collection))} rows`;
  } catch (error) {
    if (error instanceof KimeraError && error.code === 'COLLECTION_UNREADABLE') return '';
    throw error;
  }
}

function whatGoes({ spaces, bytes, migrations }: CollectionParts): string {
  return `the vectors of ${spaces.join(' and ') || 'no model'} (${formatBytes(bytes)}), the triggers and the log of ${formatCount(migrations)} migrations`;
}
