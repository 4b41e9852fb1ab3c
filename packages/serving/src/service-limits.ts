import type { z } from 'zod';
import { seconds, whole } from './setting-types.js';

/** What the HTTP server takes from its clients at most, and how long it waits for them. */
export interface ServiceLimits {
  /** Inputs of a request; undefined: those of each contract. */
  readonly requestInputs: number | undefined;
  /** Tokens of a request, all inputs together. */
  readonly requestTokens: number | undefined;
  /** Requests of a key, without keys of an address, in a minute. */
  readonly requestsPerMinute: number | undefined;
  readonly connections: number;
  /** That a connection stays open without a request. */
  readonly keepAliveSeconds: number;
  /** Until all headers of a request are there. */
  readonly headersSeconds: number;
  /** Until all of a request is there. */
  readonly bodySeconds: number;
  /** That a client may take nothing of its answer. */
  readonly writeSeconds: number;
  /** From a request to its answer. */
  readonly requestSeconds: number;
  /** From a signal until the server ends, whatever its clients do. */
  readonly shutdownSeconds: number;
}

/** Of a load balancer, which keeps its connections for 60 s as a rule: the server must not be the first to close one. */
export const DEFAULT_KEEP_ALIVE_SECONDS = 75;
export const DEFAULT_CONNECTIONS = 10_000;
export const DEFAULT_HEADERS_SECONDS = 20;
/** 8 MB at 70 KB a second. */
export const DEFAULT_BODY_SECONDS = 120;
export const DEFAULT_WRITE_SECONDS = 30;
/** Of a request of 2,048 long texts beside others. */
export const DEFAULT_REQUEST_SECONDS = 600;
/** What Kubernetes gives a pod, and a little less. */
export const DEFAULT_SHUTDOWN_SECONDS = 25;

/** The variables that set them. */
export const serviceLimitsSchema = {
  MAX_REQUEST_INPUTS: whole.optional(),
  MAX_REQUEST_TOKENS: whole.optional(),
  REQUESTS_PER_MINUTE: whole.optional(),
  MAX_CONNECTIONS: whole.default(DEFAULT_CONNECTIONS),
  KEEP_ALIVE_SECONDS: seconds.default(DEFAULT_KEEP_ALIVE_SECONDS),
  HEADERS_TIMEOUT_SECONDS: seconds.default(DEFAULT_HEADERS_SECONDS),
  BODY_TIMEOUT_SECONDS: seconds.default(DEFAULT_BODY_SECONDS),
  WRITE_TIMEOUT_SECONDS: seconds.default(DEFAULT_WRITE_SECONDS),
  REQUEST_TIMEOUT_SECONDS: seconds.default(DEFAULT_REQUEST_SECONDS),
  SHUTDOWN_SECONDS: seconds.default(DEFAULT_SHUTDOWN_SECONDS),
} as const;

export function serviceLimits(value: z.infer<z.ZodObject<typeof serviceLimitsSchema>>): ServiceLimits {
  return {
    requestInputs: value.MAX_REQUEST_INPUTS,
    requestTokens: value.MAX_REQUEST_TOKENS,
    requestsPerMinute: value.REQUESTS_PER_MINUTE,
    connections: value.MAX_CONNECTIONS,
    keepAliveSeconds: value.KEEP_ALIVE_SECONDS,
    headersSeconds: value.HEADERS_TIMEOUT_SECONDS,
    bodySeconds: value.BODY_TIMEOUT_SECONDS,
    writeSeconds: value.WRITE_TIMEOUT_SECONDS,
    requestSeconds: value.REQUEST_TIMEOUT_SECONDS,
    shutdownSeconds: value.SHUTDOWN_SECONDS,
  };
}
