import type { PortableError } from '@kimera/core';

/** To a worker, which answers one request at a time, in order. */
export interface RequestMessage {
  readonly request: unknown;
}
/** Ends the worker once it is idle. */
export interface StopMessage {
  readonly control: 'stop';
}
export type ResponseMessage = { readonly response: unknown } | { readonly error: PortableError };
/** Sent once, after the factory has run, with what it told. */
export type ReadyMessage =
  { readonly ready: true; readonly note: unknown } | { readonly ready: false; readonly error: PortableError };
