import { createRequire } from 'node:module';
import type { Writable } from 'node:stream';
import { pino, type Logger } from 'pino';
import type * as Pretty from 'pino-pretty';

const require = createRequire(import.meta.url);

export interface LoggerOptions {
  /** Default: whether standard output is one. */
  readonly isTerminal?: boolean;
  /** Default: standard output; what is not written yet is when the process exits. */
  readonly destination?: Writable;
}

/** One line an event: readable on a terminal, JSON elsewhere, for programs that collect logs. */
export function createLogger({ isTerminal = process.stdout.isTTY, destination }: LoggerOptions = {}): Logger {
  if (!isTerminal) return destination === undefined ? pino() : pino(destination);
  // Loaded only here: a server whose log is collected starts without it.
  const { PinoPretty } = require('pino-pretty') as typeof Pretty;
  return pino(
    PinoPretty({
      destination: destination ?? 1,
      colorize: (process.env['NO_COLOR'] ?? '') === '',
      ignore: 'pid,hostname',
      translateTime: 'SYS:HH:MM:ss',
      singleLine: true,
      sync: true,
    }),
  );
}
