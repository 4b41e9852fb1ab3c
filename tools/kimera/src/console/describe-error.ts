import { isNativeError } from 'node:util/types';
import { KimeraError } from '@kimera/core';
import { EXIT_OF_CODE, EXIT_OF_KIND, HINTS, SYSTEM_ERRORS } from './error-table.js';
import { EXIT, type ExitCode } from './exit-code.js';
import { printable } from './printable.js';

/** An error as the shell, a program and a person get it. */
export interface ErrorDescription {
  readonly exitCode: ExitCode;
  readonly code: string;
  /** One line. */
  readonly message: string;
  readonly hint?: string;
}

/** Foreign errors, and those of the system without words of their own, end with 1. */
export function describeError(error: unknown): ErrorDescription {
  if (error instanceof KimeraError) return described(error.code, error.message, hintOf(error.code), exitCodeOf(error));
  // Not instanceof: an error of the system may be of another realm.
  if (!isNativeError(error)) return described('INTERNAL', String(error));
  const system = systemError(error);
  if (system === undefined)
    return described('INTERNAL', `${error.name}: ${error.message} (KIMERA_DEBUG=1 shows where)`);
  const { code, about } = system;
  if (!isKey(SYSTEM_ERRORS, code)) return described(code, error.message);
  const { says, hint } = SYSTEM_ERRORS[code];
  return described(code, says(about), hint);
}

function described(code: string, message: string, hint?: string, exitCode: ExitCode = EXIT.error): ErrorDescription {
  return { exitCode, code, message: printable(message), ...(hint === undefined ? {} : { hint }) };
}

function exitCodeOf({ code, kind }: KimeraError): ExitCode {
  return isKey(EXIT_OF_CODE, code) ? EXIT_OF_CODE[code] : EXIT_OF_KIND[kind];
}

function hintOf(code: string): string | undefined {
  return isKey(HINTS, code) ? (HINTS[code] ?? undefined) : undefined;
}

/** "ENOENT: no such file or directory, open '…'": its code, and the path or address that the call was about. */
function systemError(error: Error): { readonly code: string; readonly about: string } | undefined {
  if (!('syscall' in error && 'code' in error && typeof error.code === 'string')) return undefined;
  const about = 'path' in error ? error.path : 'address' in error ? error.address : undefined;
  const port = 'port' in error && typeof error.port === 'number' ? `, port ${error.port}` : '';
  return { code: error.code, about: `${typeof about === 'string' ? about : 'what was named'}${port}` };
}

function isKey<T extends object>(table: T, key: string): key is keyof T & string {
  return Object.hasOwn(table, key);
}
