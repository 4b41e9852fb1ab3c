import type { VectorColumnWriter } from '@kimera/core';
import { Option, type Command } from 'commander';
import type { CommandContext } from '../../console/command-context.js';
import { formatCount } from '../../console/format.js';
import { printable } from '../../console/printable.js';
import { openProgress } from '../../console/progress.js';
import { StoppedError } from '../../errors.js';
import { columnRules } from './column-rules.js';
import { withStore } from './database.js';
import { commandLine, databaseCommand, type DatabaseOptions } from './options.js';

interface WriterOptions extends DatabaseOptions {
  readonly to: VectorColumnWriter;
  readonly overwrite?: true;
}

export function writerCommand(context: CommandContext): Command {
  return databaseCommand(context, 'writer', {
    summary: 'say who writes the vector column of an adopted table from now on',
    description: [
      '--to keeper: your application stops writing the column. It gets the stored vector of each row, and then of each new or changed text; an in-place cutover can exchange it.',
      'Before that, a sample of its values is compared with the stored vectors; where one is not the vector of its text nothing changes, unless --overwrite is given.',
      '--to application: what is in the column stays, and is never changed from here again.',
      'Refused after a cutover and in a migration in place until it is retired. Stopped, the same command goes on.',
    ].join('\n'),
    examples: [
      'migrate writer --database "$DATABASE_URL" --collection documents --to keeper',
      'migrate writer --collection documents --to application',
    ],
  })
    .addOption(
      new Option('--to <who>', 'who writes it from now on')
        .choices(['application', 'keeper'] satisfies VectorColumnWriter[])
        .makeOptionMandatory(),
    )
    .option('--overwrite', 'with --to keeper: also values that are not the vectors of their text')
    .action((options: WriterOptions) =>
      withStore(context, options, async (store) => {
        const { collection, to, overwrite, json } = options;
        const progress = await openProgress(
          context.stderr,
          'comparing',
          (done, of) => `${formatCount(done)} of ${formatCount(of)} rows`,
        );
        const change = await store.adoption
          .changeWriter(collection, to, {
            overwrite: overwrite === true,
            signal: context.stop,
            onProgress: ({ done, total }) => progress.update(done, total),
          })
          .catch((error: unknown) => {
            if (error !== context.stop.reason) throw error;
            throw new StoppedError('stopped while the column was filled; run the same command again to go on');
          })
          .finally(() => progress.stop());
        if (json === true) return context.stdout.json({ writer: change });
        const { vector, migration, observed } = await store.adoption.adopted(collection);
        const lines = [
          `${change.column} of ${collection}: ${describeChange(change)}${change.filled === 0 ? '' : `; ${formatCount(change.filled)} of its values are now the stored vectors of their rows`}`,
          ...(vector === null ? [] : await columnRules(vector, migration, observed)),
          ...(to === 'keeper'
            ? [`next: ${commandLine('work', options.database, [])} --forever  (or a server with --keep)`]
            : []),
        ];
        for (const line of lines) await context.stdout.line(printable(line));
      }),
    );
}

function describeChange({ from, to }: { readonly from: VectorColumnWriter; readonly to: VectorColumnWriter }): string {
  const who = to === 'keeper' ? 'the keeper' : 'your application';
  return from === to ? `${who} writes it already` : `${who} writes it from now on`;
}
