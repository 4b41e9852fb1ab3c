import { KimeraError } from '@kimera/core';
import { z } from 'zod';
import { StoreAccessError, StoreUnavailableError } from '../errors.js';

/**
 * SQLSTATEs that say that the connection or the server is going, or that there is none for now
 * (https://www.postgresql.org/docs/18/errcodes-appendix.html). Of class 08, the connection's own, all do: PgBouncer
 * reports a lost server with 08P01.
 */
const UNAVAILABLE_STATES: ReadonlySet<string> = new Set([
  '53300', // too_many_connections
  '57P01', // admin_shutdown
  '57P02', // crash_shutdown
  '57P03', // cannot_connect_now
  '57P05', // idle_session_timeout
  '25P03', // idle_in_transaction_session_timeout
]);
/** Of the operating system and of DNS. */
const UNAVAILABLE_CODES: ReadonlySet<string> = new Set([
  'EAI_AGAIN',
  'ECONNABORTED',
  'ECONNREFUSED',
  'ECONNRESET',
  'EHOSTDOWN',
  'EHOSTUNREACH',
  'ENETDOWN',
  'ENETRESET',
  'ENETUNREACH',
  'ENOENT', // a socket file: of a server that does not run
  'ENOTFOUND',
  'EPIPE',
  'ETIMEDOUT',
]);
/** What node-postgres says without a code (pg 8.23 lib/client.js, pg-pool 3.14 index.js). */
const UNAVAILABLE_TEXTS: ReadonlySet<string> = new Set([
  'Client has encountered a connection error and is not queryable',
  'Client was closed and is not queryable',
  'Connection terminated',
  'Connection terminated due to connection timeout',
  'Connection terminated unexpectedly',
  'There was an error establishing an SSL connection',
  'timeout exceeded when trying to connect',
  'timeout expired',
]);

/** Node tries each address of a host, and throws an error of errors; its realm need not be this one. */
const severalErrors = z.object({ errors: z.array(z.unknown()).min(1) });
const oneError = z.object({ message: z.string(), code: z.string().optional() });

/** What went wrong with a connection; of several addresses that were tried, the first. */
export function connectionReason(error: unknown): string {
  const several = severalErrors.safeParse(error);
  if (several.success) return connectionReason(several.data.errors[0]);
  return oneError.safeParse(error).data?.message ?? String(error);
}

function isUnavailable(error: unknown): boolean {
  const several = severalErrors.safeParse(error);
  if (several.success) return several.data.errors.some(isUnavailable);
  const one = oneError.safeParse(error).data;
  if (one?.code === undefined) return one !== undefined && UNAVAILABLE_TEXTS.has(one.message);
  return UNAVAILABLE_STATES.has(one.code) || UNAVAILABLE_CODES.has(one.code) || /^08[0-9A-Z]{3}$/.test(one.code);
}

/** What a statement failed with: StoreUnavailableError where the connection is the reason, else the error as it is. */
export function statementFailure(error: unknown, address: string): unknown {
  return isUnavailable(error) ? new StoreUnavailableError(address, connectionReason(error), { cause: error }) : error;
}

/** What connecting failed with. @returns StoreUnavailableError or StoreAccessError. */
export function connectionFailure(error: unknown, address: string): KimeraError {
  if (error instanceof KimeraError) return error;
  const reason = connectionReason(error);
  return isUnavailable(error)
    ? new StoreUnavailableError(address, reason, { cause: error })
    : new StoreAccessError(address, reason, { cause: error });
}
