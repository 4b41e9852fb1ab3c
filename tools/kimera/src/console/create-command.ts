import { Command, type CommanderError } from 'commander';
import { UsageError } from '../errors.js';
import type { CommandContext } from './command-context.js';

export interface CommandText {
  /** One line, for the list of commands. */
  readonly summary: string;
  /** Above the options; the summary where absent. */
  readonly description?: string;
  /** Command lines that work, without the leading `kimera`. */
  readonly examples: readonly string[];
}

/** A command with our conventions: help with examples, help on stdout, refusals thrown instead of printed. */
export function createCommand(
  context: CommandContext,
  name: string,
  { summary, description = summary, examples }: CommandText,
): Command {
  const command = new Command(name);
  return command
    .summary(summary)
    .description(description)
    .helpOption('-h, --help', 'this help')
    .helpCommand(false)
    .exitOverride((error) => {
      throw error.exitCode === 0 ? error : usageError(error, command);
    })
    .configureOutput({
      writeOut: (text) => void context.stdout.write(text).catch(() => undefined),
      writeErr: (text) => void context.stderr.write(text),
      outputError: () => undefined,
    })
    .addHelpText('after', `\nExamples:\n${examples.map((example) => `  $ kimera ${example}`).join('\n')}`);
}

/** For commands that give one result. */
export function withJson(command: Command): Command {
  return command.option('--json', 'one JSON document on stdout');
}

/** As it is called: `kimera models list`. */
export function callOf(command: Command): string {
  return command.parent === null ? command.name() : `${callOf(command.parent)} ${command.name()}`;
}

function usageError({ code, message }: CommanderError, command: Command): UsageError {
  if (code === 'commander.help') return new UsageError('a command is missing', callOf(command));
  const text = message.replace(/^error: /, '').replace(/\n\(Did you mean (.*)\?\)$/s, ' (did you mean $1?)');
  return new UsageError(text, callOf(command));
}
