import { readFileSync } from 'node:fs';
import { CommanderError, type Command } from 'commander';
import { COMMANDS, type CommandEntry } from './commands/index.js';
import type { CommandContext, Surroundings } from './console/command-context.js';
import { UsageError } from './errors.js';
import { createCommand } from './console/create-command.js';
import { describeError } from './console/describe-error.js';
import { EXIT, type ExitCode } from './console/exit-code.js';

const EXIT_CODES_HELP =
  '\nExit codes: 0 done, 1 error, 2 refused, 3 stopped on purpose, 64 wrong usage.\nMore: kimera COMMAND --help';

/**
 * Runs one command line to its end, errors included: a message with a hint on stderr, one JSON document on stdout where
 * the command line asks for JSON.
 */
export async function runCommandLine(surroundings: Surroundings, words: readonly string[]): Promise<ExitCode> {
  const { stdout, stderr, environment } = surroundings;
  let exitCode: ExitCode = EXIT.done;
  const context: CommandContext = {
    ...surroundings,
    note: (text) => void stderr.write(`${text}\n`),
    finish: (code) => {
      exitCode = code;
    },
  };
  try {
    await runProgram(context, words);
  } catch (error) {
    const { exitCode: code, ...description } = describeError(error);
    exitCode = code;
    if (description.code !== 'OUTPUT_CLOSED') {
      const hint = description.hint ?? (code === EXIT.usage ? 'kimera --help' : undefined);
      if (environment['KIMERA_DEBUG'] === '1' && error instanceof Error) stderr.write(`${error.stack ?? ''}\n`);
      stderr.write(`kimera: ${description.message}${hint === undefined ? '' : `; hint: ${hint}`}\n`);
      // What asked for JSON gets JSON.
      if (words.includes('--json'))
        await stdout
          .json({ error: { ...description, ...(hint === undefined ? {} : { hint }) } })
          .catch(() => undefined);
    }
  }
  // What was written before has left the process.
  await stdout.write('').catch(() => undefined);
  return exitCode;
}

/** Parses and runs one command line. @throws UsageError, and the command's errors. */
async function runProgram(context: CommandContext, words: readonly string[]): Promise<void> {
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
  program.version(toolVersion(), '-V, --version', 'the version').addHelpText('after', EXIT_CODES_HELP);
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

function toolVersion(): string {
  const manifest: unknown = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
  if (
    typeof manifest === 'object' &&
    manifest !== null &&
    'version' in manifest &&
    typeof manifest.version === 'string'
  )
    return manifest.version;
  return 'unknown';
}
