import type { Readable, Writable } from 'node:stream';
import type { createColors } from 'picocolors';
import type { ExitCode } from './exit-code.js';
import type { Output } from './output.js';

/** What a command line gets from the process it runs in; in specs, from a fixture. */
export interface Surroundings {
  readonly stdin: Readable & { readonly isTTY?: boolean };
  readonly stdout: Output;
  /** For messages, and for progress bars where it is a terminal. */
  readonly stderr: Writable & { readonly isTTY?: boolean };
  /** Of stdout: off where it is not a terminal, and with NO_COLOR. */
  readonly colors: ReturnType<typeof createColors>;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Relative paths start here. */
  readonly folder: string;
  /** Aborted by Ctrl-C and SIGTERM: a command stops at its next safe point. */
  readonly stop: AbortSignal;
  /** Lets other programs go first from now on: the process, and threads that it starts later. */
  lowerPriority(): void;
}

/** What a command gets. */
export interface CommandContext extends Surroundings {
  /** A line for people on stderr. */
  note(text: string): void;
  /** Ends with another code than 0 without an error. */
  finish(code: ExitCode): void;
}
