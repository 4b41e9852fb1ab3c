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

export const DATABASE_OPTION = [
  '--database <url|dir>',
  'PostgreSQL, or the folder of an embedded database (default: $DATABASE_URL, or ./data)',
] as const;
export const MODEL_OPTIONS = [
  ['--from <model>', 'id or folder of the present model (default: found by its space)'],
  ['--to <model>', 'id or folder of the new model (default: that of the plan, found by its space)'],
  ['--models <dir>', 'where models are looked for, beside ./models and those that ship'],
] as const;

/** A `migrate` command for a shell, as a person would type it. */
export function commandLine(
  name: string,
  database: string | undefined,
  options: readonly (readonly [option: string, value: string])[],
): string {
  const where = database === undefined ? '' : ` --database ${shellWord(withoutPassword(database))}`;
  return `kimera migrate ${name}${where}${options.map(([option, value]) => ` ${option} ${shellWord(value)}`).join('')}`;
}

/** As a POSIX shell reads it back. */
function shellWord(text: string): string {
  if (text === DATABASE_VARIABLE || /^[\w./:,@+-]+$/.test(text)) return text;
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

const DATABASE_VARIABLE = '"$DATABASE_URL"';

/**
 * An address may hold a password, which is not printed: only a folder and a URL without password and parameters are
 * repeated.
 */
export function withoutPassword(database: string): string {
  if (/^\.{0,2}[/\\]/.test(database) || !/[=@:]/.test(database)) return database;
  const url = URL.canParse(database) ? new URL(database) : undefined;
  return url?.password === '' && url.search === '' && /^postgres(ql)?:$/.test(url.protocol)
    ? database
    : DATABASE_VARIABLE;
}

/** A command on one collection of a database. */
export function databaseCommand(context: CommandContext, name: string, text: CommandText): Command {
  return withJson(createCommand(context, name, text))
    .option(...DATABASE_OPTION)
    .requiredOption('--collection <name>', 'the collection');
}

/** One that runs models. */
export function modelCommand(context: CommandContext, name: string, text: CommandText): Command {
  const command = databaseCommand(context, name, text);
  for (const [flags, says] of MODEL_OPTIONS) command.option(flags, says);
  return command;
}
