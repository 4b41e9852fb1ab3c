import type { Command } from 'commander';
import type { CommandContext } from '../../console/command-context.js';
import { formatCount } from '../../console/format.js';
import { printable } from '../../console/printable.js';
import { withStore } from './database.js';
import { commandLine, databaseCommand, type DatabaseOptions } from './options.js';

export function repairCommand(context: CommandContext): Command {
  return databaseCommand(context, 'repair', {
    summary: 'bring a collection in line with its table again',
    description: [
      'For a collection whose table was emptied, renamed and renamed back, or written to while it was not watched.',
      'Watches the table again, queues every row without a vector of its present text, and removes vectors without a row. Nothing else has to stop meanwhile; interrupted, it may be run again.',
    ].join('\n'),
    examples: ['migrate repair --database "$DATABASE_URL" --collection documents'],
  }).action(({ collection, json, ...where }: DatabaseOptions) =>
    withStore(context, where, async (store) => {
      const faults = await store.upkeep.faults(collection);
      const repaired = await store.upkeep.reconcile(collection);
      const left = await store.upkeep.faults(collection);
      if (json === true) {
        await context.stdout.json({ collection, faults, repaired, left });
        return;
      }
      for (const { kind, detail } of faults) await context.stdout.line(printable(`mended: ${kind}: ${detail}`));
      await context.stdout.line(
        printable(
          `${collection}: ${formatCount(repaired.queued)} rows queued, ${formatCount(repaired.removed)} vectors without a row removed`,
        ),
      );
      for (const { kind, detail } of left) await context.stdout.line(printable(`came meanwhile: ${kind}: ${detail}`));
      if (repaired.queued > 0)
        await context.stdout.line(
          printable(`next: ${commandLine('work', where.database, [['--collection', collection]])} --forever`),
        );
    }),
  );
}
