import { readFileSync } from 'node:fs';
import { isNativeError } from 'node:util/types';
import { CommanderError, type Command } from 'commander';
import { PACKAGE_FILE } from './assets.js';
import { COMMANDS, type CommandEntry } from './commands/index.js';
import type { CommandContext, Surroundings } from './console/command-context.js';
import { UsageError } from './errors.js';
import { callOf, createCommand } from './console/create-command.js';
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
      const help = error instanceof UsageError && error.command !== undefined ? `${error.command} --help` : undefined;
      const hint = help ?? description.hint;
      if (environment['KIMERA_DEBUG'] === '1' && isNativeError(error)) stderr.write(`${error.stack ?? ''}\n`);
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
  // `kimera help models convert` is `kimera models convert --help`.
  const given = words[0] === 'help' ? [...words.slice(1), '--help'] : words;
  const program = await createProgram(context, given);
  let running: Command = program;
  program.hook('preAction', (_, command) => {
    running = command;
  });
  try {
    await program.parseAsync([...given], { from: 'user' });
  } catch (error) {
    // Help and version end this way.
    if (error instanceof CommanderError && error.exitCode === 0) return;
    throw error instanceof UsageError && error.command === undefined
      ? new UsageError(error.message, callOf(running))
      : error;
  }
}

/** The tool with its commands; of them only the one that is called is loaded. */
export async function createProgram(context: CommandContext, words: readonly string[]): Promise<Command> {
  const program = createCommand(context, 'kimera', {
    summary: 'change the embedding model under a running application',
    description:
      'Change the embedding model under a running application, without Python, without downtime, and with proof.',
    examples: [
      'models list',
      'similarity "a cat" "a kitten" "an invoice"',
      `embed <<< '{"text": "hello"}'`,
      'serve --port 8080',
    ],
  });
  program.version(toolVersion(), '-V, --version', 'the version').addHelpText('after', EXIT_CODES_HELP);
  const called = words.find((word) => !word.startsWith('-'));
  for (const entry of COMMANDS)
    program.addCommand(entry.name === called ? (await entry.load())(context) : placeholder(context, entry));
  return program;
}

/** For the list of commands and for suggestions. */
function placeholder(context: CommandContext, { name, summary }: CommandEntry): Command {
  return createCommand(context, name, { summary, examples: [] });
}

function toolVersion(): string {
  const manifest: unknown = JSON.parse(readFileSync(PACKAGE_FILE, 'utf8'));
  if (
    typeof manifest === 'object' &&
    manifest !== null &&
    'version' in manifest &&
    typeof manifest.version === 'string'
  )
    return manifest.version;
  return 'unknown';
}
