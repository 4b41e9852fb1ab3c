import { readFileSync } from 'node:fs';
import { createColors } from 'picocolors';
import { z } from 'zod';
import type { CommandContext } from './console/command-context.js';
import { describeError } from './console/describe-error.js';
import { EXIT, type ExitCode } from './console/exit-code.js';
import { Output } from './console/output.js';
import { runProgram } from './program.js';

/** 128 + SIGINT, as shells report it. */
const EXIT_AT_ONCE = 130;

const { env: environment, stdin, stderr } = process;
const words = process.argv.slice(2);
const stdout = new Output(process.stdout);
stderr.on('error', () => undefined);
const plain = (environment['NO_COLOR'] ?? '') !== '' || environment['TERM'] === 'dumb';
const stop = new AbortController();
let exitCode: ExitCode = EXIT.done;

const context: CommandContext = {
  stdin,
  stdout,
  stderr,
  colors: createColors(process.stdout.isTTY === true && !plain),
  environment,
  folder: process.cwd(),
  stop: stop.signal,
  note: (text) => void stderr.write(`${text}\n`),
  finish: (code) => {
    exitCode = code;
  },
  help: (text) => void stdout.write(text).catch(() => undefined),
  usage: (text) => void stderr.write(text),
};

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    if (stop.signal.aborted) process.exit(EXIT_AT_ONCE);
    if (stderr.isTTY) stderr.write('\nstopping at the next safe point; Ctrl-C again stops at once\n');
    stop.abort();
  });
}

// Idle worker threads do not keep the process alive, also while a command waits for them to close.
setInterval(() => undefined, 1 << 30);
try {
  const { version } = z
    .object({ version: z.string() })
    .parse(JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')));
  await runProgram(context, version, words);
} catch (error) {
  const { exitCode: code, ...description } = describeError(error);
  exitCode = code;
  if (description.code !== 'OUTPUT_CLOSED') {
    const hint = description.hint ?? (code === EXIT.usage ? 'kimera --help' : undefined);
    if (environment['KIMERA_DEBUG'] === '1' && error instanceof Error) stderr.write(`${error.stack}\n`);
    stderr.write(`kimera: ${description.message}${hint === undefined ? '' : `; hint: ${hint}`}\n`);
    // What asked for JSON gets JSON.
    if (words.includes('--json'))
      await stdout.json({ error: { ...description, ...(hint === undefined ? {} : { hint }) } }).catch(() => undefined);
  }
}
await stdout.write('').catch(() => undefined);
process.exit(exitCode);
