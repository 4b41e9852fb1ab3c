import { resolve } from 'node:path';
import { Command, Option } from 'commander';

export interface StressOptions {
  readonly rows: number;
  /** Model folders. */
  readonly from: string;
  readonly to: string;
  readonly workers: number;
  /** Of all three writers together. */
  readonly writesPerSecond: number;
  readonly readers: number;
  readonly kills: number;
  readonly restarts: number;
  /** A server that is there, which is not restarted; default: one of tools/postgres in the folder. */
  readonly database?: string;
  /** Of the PostgreSQL in the folder. */
  readonly postgres: string;
  /** What a run leaves for the next one, which goes on. */
  readonly folder: string;
  readonly report?: string;
  /** Rows a second of a worker at most; small tables are done before a kill otherwise. */
  readonly rate?: number;
  /** Seconds until the job of a worker that died goes to another. */
  readonly lease: number;
  /** Rows that are embedded again at the end; default: all. */
  readonly check?: number;
  /** Who embeds them again: libraries in Python that share no code with ours, or the embedder of the migration. */
  readonly checkBy: 'python' | 'same';
}

export function readOptions(words: readonly string[], baseFolder: string): StressOptions {
  const number = (text: string): number => {
    const value = Number(text);
    if (!Number.isInteger(value) || value < 0) throw new Error(`${text}: expected a whole number`);
    return value;
  };
  const command = new Command('stress')
    .description(
      'A migration of a table of the application under SQL writers, readers, SIGKILLs and restarts of PostgreSQL; then every row is compared. Run again on its folder, it goes on.',
    )
    .option('--rows <count>', 'rows of the table', number, 20_000)
    .option(
      '--from <model>',
      'folder of the old model, or "twin": a static one that is made for the run',
      'models/all-MiniLM-L6-v2',
    )
    .option('--to <model>', 'folder of the new model', 'models/multilingual-e5-small')
    .option('--workers <count>', 'processes that embed', number, 4)
    .option('--writes-per-second <count>', 'statements of the application', number, 10)
    .option('--readers <count>', 'searches at a time', number, 2)
    .option('--kills <count>', 'SIGKILLs during the backfill', number, 30)
    .option('--restarts <count>', 'restarts of PostgreSQL during the backfill, the second one immediate', number, 2)
    .option('--database <url>', 'a server that is there, which is not restarted')
    .option('--postgres <version>', '16 or 18', '16')
    .option('--folder <dir>', 'where the server and what is needed to go on are kept', 'reports/stress')
    .option('--report <file>', 'a JSON report')
    .option('--rate <rows>', 'rows a second of a worker at most', number)
    .option('--lease <seconds>', 'until the job of a worker that died goes to another', number, 10)
    .option('--check <rows>', 'embed only so many rows again at the end', number)
    .addOption(
      new Option('--check-by <who>', 'libraries in Python embed them, or the embedder that the workers have')
        .choices(['python', 'same'])
        .default('python'),
    );
  const given = command.parse(words, { from: 'user' }).opts<StressOptions>();
  const path = (name: string): string => resolve(baseFolder, name);
  return {
    ...given,
    from: path(given.from),
    to: path(given.to),
    folder: path(given.folder),
    ...(given.report === undefined ? {} : { report: path(given.report) }),
  };
}
