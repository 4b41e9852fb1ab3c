import { hideArguments } from './console/hide-arguments.js';
import { lowerPriority } from './console/lower-priority.js';
import { colorsFor, Output } from './console/output.js';
import { runCommandLine } from './program.js';

hideArguments(process);
const { env: environment, stdin, stderr } = process;
stderr.on('error', () => undefined);
const stop = new AbortController();

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    if (stop.signal.aborted) {
      // By the signal: Node's own way out ends worker threads first, and ONNX Runtime aborts where it computes in one.
      process.removeAllListeners(signal);
      process.kill(process.pid, signal);
      return;
    }
    if (stderr.isTTY) stderr.write('\nstopping at the next safe point; Ctrl-C again stops at once\n');
    stop.abort();
  });
}

// Idle worker threads do not keep the process alive, also while a command waits for them to close.
setInterval(() => undefined, 1 << 30);
process.exit(
  await runCommandLine(
    {
      stdin,
      stdout: new Output(process.stdout),
      stderr,
      colors: colorsFor(process.stdout, environment),
      environment,
      folder: process.cwd(),
      stop: stop.signal,
      lowerPriority,
    },
    process.argv.slice(2),
  ),
);
