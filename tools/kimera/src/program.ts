import { CommanderError, type Command } from 'commander';
import { COMMANDS, type CommandEntry } from './commands/index.js';
import type { CommandContext } from './console/command-context.js';
import { UsageError } from './console/command-errors.js';
import { createCommand } from './console/create-command.js';

const EXIT_CODES_HELP =
  '\nExit codes: 0 done, 1 error, 2 refused, 3 stopped on purpose, 64 wrong usage.\nMore: kimera COMMAND --help';

/** Parses and runs one command line. @throws UsageError, and the command's errors. */
export async function runProgram(context: CommandContext, version: string, words: readonly string[]): Promise<void> {
  const program = createCommand(context, 'kimera', {
    summary: 'change the embedding model under a running application',
    description:
      'Change the embedding model under a running application, without Python, without downtime, and with proof.',
    examples: [
      'models list',
      `similarity "a cat" "a kitten" "an invoice"`,
      `embed --model ./models/minilm < texts.jsonl > vectors.jsonl`,
      'serve --port 8080',
    ],
  });
  program.version(version, '-V, --version', 'the version').addHelpText('after', EXIT_CODES_HELP);
  // `kimera help models convert` is `kimera models convert --help`.
  const given = words[0] === 'help' ? [...words.slice(1), '--help'] : words;
  const called = given.find((word) => !word.startsWith('-'));
  for (const entry of COMMANDS)
    program.addCommand(entry.name === called ? (await entry.load())(context) : placeholder(context, entry));
  try {
    await program.parseAsync([...given], { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === 0) return;
    if (error.code === 'commander.help') throw new UsageError('a command is missing');
    throw new UsageError(
      error.message.replace(/^error: /, '').replace(/\n\(Did you mean (.*)\?\)$/s, ' (did you mean $1?)'),
    );
  }
}

/** For the list of commands and for suggestions. */
function placeholder(context: CommandContext, { name, summary }: CommandEntry): Command {
  return createCommand(context, name, { summary, examples: [] });
}
