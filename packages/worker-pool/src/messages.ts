import type { PortableError } from '@kimera/core';

export interface RequestMessage {
  readonly id: number;
  readonly request: unknown;
}
/** `stop` ends the worker once it is idle; `crash` ends it at once as a failure would, for tests of recovery. */
export interface ControlMessage {
  readonly control: 'stop' | 'crash';
}
export type ResponseMessage =
  { readonly id: number; readonly response: unknown } | { readonly id: number; readonly error: PortableError };
/** Sent once, after the factory has run. */
export type ReadyMessage = { readonly ready: true } | { readonly ready: false; readonly error: PortableError };
