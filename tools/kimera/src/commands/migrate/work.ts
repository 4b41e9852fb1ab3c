import { Option, type Command } from 'commander';
import type { CommandContext } from '../../console/command-context.js';
import { StoppedError } from '../../errors.js';
import { formatCount } from '../../console/format.js';
import { openProgress } from '../../console/progress.js';
import { wholeNumber } from '../../console/whole-number.js';
import { modelCommand, type ModelOptions } from './options.js';
import { printState } from './state.js';

interface WorkCommandOptions extends ModelOptions {
  readonly until: 'caught-up' | 'retired';
  readonly lease?: number;
  readonly rate?: number;
}

export function workCommand(context: CommandContext): Command {
  return modelCommand(context, 'work', {
    summary: 'one worker of the backfill',
    description: [
      'Takes jobs and changes until none is left. Start as many as you like, on as many machines; a worker may be killed at any moment.',
      'With --until retired it goes on, and keeps both spaces current until the migration is retired.',
    ].join('\n'),
    examples: [
      'migrate work --database ./data --collection docs',
      'migrate work --database "$DATABASE_URL" --collection docs --until retired --rate 50',
    ],
  })
    .addOption(new Option('--until <end>', 'when to end').choices(['caught-up', 'retired']).default('caught-up'))
    .option(
      '--lease <seconds>',
      'after this long another worker takes the job of one that died (default: 60)',
      wholeNumber('--lease'),
    )
    .option('--rate <rows>', 'at most this many rows a second', wholeNumber('--rate'))
    .action(async ({ until, lease, rate, ...options }: WorkCommandOptions) => {
      const [{ work }, { openSession }] = await Promise.all([import('@kimera/migration'), import('./session.js')]);
      const { parts, store, close } = await openSession(context, options, 'go on');
      let [rows, speed] = [0, 0];
      const progress = await openProgress(
        context.stderr,
        'embedding',
        (done, total) =>
          `${formatCount(done)} of ${formatCount(total)} jobs, ${formatCount(rows)} rows, ${speed.toFixed(0)} rows/s`,
      );
      try {
        const result = await work(parts, {
          until,
          signal: context.stop,
          ...(lease === undefined ? {} : { leaseSeconds: lease }),
          ...(rate === undefined ? {} : { maxRowsPerSecond: rate }),
          onProgress: ({ counts: { done, waiting, active }, rows: written, rowsPerSecond }) => {
            [rows, speed] = [written, rowsPerSecond];
            progress.update(done, done + waiting + active);
          },
        });
        progress.stop();
        if (result.ended === 'stopped')
          throw new StoppedError(
            `stopped between two batches after ${result.written} rows; run the same command again to go on`,
          );
        if (result.truncated > 0)
          context.note(
            `kimera: ${formatCount(result.truncated)} texts were longer than the model’s limit; their vectors are of their beginning`,
          );
        await printState(context, store, options, { work: result });
      } finally {
        progress.stop();
        await close();
      }
    });
}
