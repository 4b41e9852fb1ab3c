import type { Writable } from 'node:stream';
import { pino, type Logger } from 'pino';
import { PinoPretty } from 'pino-pretty';

export interface LoggerOptions {
  /** Default: whether standard output is one. */
  readonly isTerminal?: boolean;
  /** Default: standard output, written at once, so that nothing is lost where the process ends. */
  readonly destination?: Writable;
}

/** One line an event: readable on a terminal, JSON elsewhere, for programs that collect logs. */
export function createLogger({ isTerminal = process.stdout.isTTY, destination }: LoggerOptions = {}): Logger {
  if (!isTerminal) return destination === undefined ? pino() : pino(destination);
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
