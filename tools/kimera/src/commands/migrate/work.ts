import { reasonOf } from '@kimera/core';
import type { KeeperEvent, WorkResult } from '@kimera/migration';
import type { PostgresStore } from '@kimera/store-postgres';
import { Option, type Command } from 'commander';
import type { CommandContext } from '../../console/command-context.js';
import { createCommand, withJson } from '../../console/create-command.js';
import { StoppedError, UsageError } from '../../errors.js';
import { formatCount, formatDuration } from '../../console/format.js';
import { printable } from '../../console/printable.js';
import { openProgress } from '../../console/progress.js';
import { wholeNumber } from '../../console/whole-number.js';
import { inputPath, modelFolders } from '../../models/resolve-model.js';
import { openDatabase } from './database.js';
import { DATABASE_OPTION, MODEL_OPTIONS } from './options.js';
import { printState } from './state.js';

interface WorkCommandOptions {
  readonly database?: string;
  readonly collection?: readonly string[];
  readonly json?: true;
  readonly from?: string;
  readonly to?: string;
  readonly models?: string;
  readonly until: 'caught-up' | 'retired';
  readonly forever?: true;
  readonly lease?: number;
  readonly rate?: number;
  readonly cpu?: number;
  readonly threads?: number;
  readonly priority: 'low' | 'normal';
}

export function workCommand(context: CommandContext): Command {
  const command = withJson(
    createCommand(context, 'work', {
      summary: 'one worker: changes, then the backfill; or a keeper, for ever',
      description: [
        'Takes changes and jobs until none is left: changes of the space that searches use first. Start as many as you like, on as many machines; a worker may be killed at any moment, and waits for a database that starts again.',
        'With --until retired it goes on, and keeps both spaces current until the migration is retired.',
        'With --forever it keeps collections current whether a migration runs or not: those of --collection, or all. It opens the models that it needs.',
      ].join('\n'),
      examples: [
        'migrate work --database ./data --collection docs',
        'migrate work --database "$DATABASE_URL" --collection docs --until retired --rate 50',
        'migrate work --database "$DATABASE_URL" --forever --cpu 50',
      ],
    }),
  ).option(...DATABASE_OPTION);
  command.option('--collection <name...>', 'the collection; with --forever any number, default: all');
  for (const [flags, says] of MODEL_OPTIONS) command.option(flags, says);
  return command
    .addOption(new Option('--until <end>', 'when to end').choices(['caught-up', 'retired']).default('caught-up'))
    .option('--forever', 'keep collections current until a signal')
    .option(
      '--lease <seconds>',
      'after this long another worker takes the job of one that died (default: 60)',
      wholeNumber('--lease'),
    )
    .option('--rate <rows>', 'at most this many rows a second', wholeNumber('--rate'))
    .option('--cpu <percent>', 'the model works at most this share of the time', wholeNumber('--cpu', 100))
    .option(
      '--threads <count>',
      'processors that a model uses at a time (default: all)',
      wholeNumber('--threads', 1024),
    )
    .addOption(
      new Option('--priority <level>', 'of the process: low lets other programs go first')
        .choices(['low', 'normal'])
        .default('low'),
    )
    .action(async (options: WorkCommandOptions) => {
      if (options.priority === 'low') context.lowerPriority();
      await (options.forever === true ? keepForever(context, options) : workUntil(context, options));
    });
}

async function workUntil(context: CommandContext, options: WorkCommandOptions): Promise<void> {
  const { until, lease, threads, collection: names = [], ...more } = options;
  const [collection] = names;
  if (collection === undefined || names.length > 1)
    throw new UsageError('--collection names the one collection; with --forever any number', 'kimera migrate work');
  const [{ work }, { openSession }] = await Promise.all([import('@kimera/migration'), import('./session.js')]);
  const { parts, store, close } = await openSession(context, { ...more, collection }, 'go on', threads);
  let bar = '';
  const progress = await openProgress(context.stderr, 'embedding', () => bar);
  try {
    const result = await work(parts, {
      until,
      signal: context.stop,
      ...pace(options),
      ...(lease === undefined ? {} : { leaseSeconds: lease }),
      ...databaseNotes(context),
      onProgress: ({ all, secondsLeft, rowsPerSecond }) => {
        bar = [
          `${formatCount(all.done)} of ${formatCount(all.done + all.waiting + all.active)} jobs, ${formatCount(all.rows)} rows`,
          `all workers ${all.rowsPerSecond.toFixed(0)} rows/s`,
          `this one ${rowsPerSecond.toFixed(0)}`,
          ...(secondsLeft === null || secondsLeft === 0 ? [] : [`${formatDuration(secondsLeft * 1000)} left`]),
        ].join(', ');
        progress.update(all.done, all.done + all.waiting + all.active);
      },
    });
    progress.stop();
    refuseStopped(result);
    if (result.truncated > 0)
      context.note(
        `kimera: ${formatCount(result.truncated)} texts were longer than the model’s limit; their vectors are of their beginning`,
      );
    await printState(context, store, { ...more, collection }, { work: result });
  } finally {
    progress.stop();
    await close();
  }
}

function refuseStopped({ ended, written }: WorkResult): void {
  if (ended === 'stopped')
    throw new StoppedError(`stopped between two batches after ${written} rows; run the same command again to go on`);
}

async function keepForever(context: CommandContext, options: WorkCommandOptions): Promise<void> {
  const { database, collection, models, threads, lease, from, to } = options;
  if (from !== undefined || to !== undefined)
    throw new UsageError(
      '--forever finds its models by their spaces: leave --from and --to out',
      'kimera migrate work',
    );
  const [{ keep }, { openModelOfSpace }] = await Promise.all([
    import('@kimera/migration'),
    import('../../models/open-model-of-space.js'),
  ]);
  const folders = modelFolders(context, models === undefined ? [] : [await inputPath(context, models)]);
  const store = await openWithPatience(context, database, collection ?? []);
  try {
    const tally = await keep(
      {
        store,
        ...(collection === undefined ? {} : { collections: collection }),
        openModel: async (space) => {
          const embedder = await openModelOfSpace(context, folders, space, threads);
          return { embedder, close: () => embedder.close() };
        },
      },
      {
        signal: context.stop,
        ...pace(options),
        ...(lease === undefined ? {} : { leaseSeconds: lease }),
        onEvent: (event) => noteKeeper(context, event),
      },
    );
    if (options.json === true) await context.stdout.json({ keeper: tally });
    else
      await context.stdout.line(
        `stopped after ${formatCount(tally.written)} rows: ${formatCount(tally.changes)} changes, ${formatCount(tally.jobs)} jobs`,
      );
  } finally {
    await store.close();
  }
}

/** A service may be started before its database is. @throws StoppedError, UnknownCollectionError, what does not pass. */
async function openWithPatience(
  context: CommandContext,
  database: string | undefined,
  collections: readonly string[],
): Promise<PostgresStore> {
  const { Patience } = await import('@kimera/migration');
  const patience = new Patience({ seconds: Infinity, signal: context.stop, ...databaseNotes(context) });
  try {
    const store = await patience.run(() => openDatabase(context, database));
    try {
      for (const name of collections) await patience.run(() => store.collections.collection(name));
      return store;
    } catch (error) {
      await store.close();
      throw error;
    }
  } catch (error) {
    if (context.stop.aborted) throw new StoppedError('stopped while it waited for the database', {}, { cause: error });
    throw error;
  }
}

function pace({ rate, cpu }: WorkCommandOptions) {
  return {
    ...(rate === undefined ? {} : { maxRowsPerSecond: rate }),
    ...(cpu === undefined ? {} : { maxModelShare: cpu / 100 }),
  };
}

function databaseNotes(context: CommandContext) {
  return {
    onAway: (reason: string) => context.note(`kimera: waiting for the database: ${printable(reason)}`),
    onBack: (seconds: number) =>
      context.note(`kimera: the database answers again after ${formatDuration(seconds * 1000)}`),
  };
}

function noteKeeper(context: CommandContext, event: KeeperEvent): void {
  const { onAway, onBack } = databaseNotes(context);
  switch (event.kind) {
    case 'away':
      onAway(event.reason);
      return;
    case 'back':
      onBack(event.seconds);
      return;
    case 'no model':
      context.note(
        `kimera: changes in the space of ${printable(event.space.modelId)} wait, its model cannot be opened: ${event.error === undefined ? 'it is not here' : printable(reasonOf(event.error))}`,
      );
      return;
    case 'failed':
      context.note(
        `kimera: collection ${event.collection}: ${printable(reasonOf(event.error))}; tried again in a while`,
      );
      return;
    case 'broken':
      context.note(
        `kimera: collection ${event.collection} is broken: ${event.faults.map(({ kind, detail }) => `${kind}: ${printable(detail)}`).join('; ')}; left alone until its table is as it was`,
      );
      return;
    case 'mended':
      context.note(
        `kimera: collection ${event.collection} is whole again: ${formatCount(event.queued)} rows are embedded, ${formatCount(event.removed)} vectors without a row were removed`,
      );
      return;
    case 'lag':
      return;
  }
}
