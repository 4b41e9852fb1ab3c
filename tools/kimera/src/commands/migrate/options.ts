import type { Command } from 'commander';
import type { CommandContext } from '../../console/command-context.js';
import { createCommand, withJson, type CommandText } from '../../console/create-command.js';

/** What every `migrate` command takes. */
export interface DatabaseOptions {
  readonly database?: string;
  readonly collection: string;
  readonly json?: true;
}

export interface ModelOptions extends DatabaseOptions {
  readonly from?: string;
  readonly to?: string;
  readonly models?: string;
}

/** A command on one collection of a database. */
export function databaseCommand(context: CommandContext, name: string, text: CommandText): Command {
  return withJson(createCommand(context, name, text))
    .option(
      '--database <url|dir>',
      'PostgreSQL, or the folder of an embedded database (default: $DATABASE_URL, or ./data)',
    )
    .requiredOption('--collection <name>', 'the collection');
}

/** One that runs models. */
export function modelCommand(context: CommandContext, name: string, text: CommandText): Command {
  return databaseCommand(context, name, text)
    .option('--from <model>', 'id or folder of the present model (default: found by its space)')
    .option('--to <model>', 'id or folder of the new model (default: that of the plan, found by its space)')
    .option('--models <dir>', 'where models are looked for, beside ./models and those that ship');
}
