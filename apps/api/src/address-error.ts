import { KimeraError } from '@kimera/core';

/** The server cannot listen where it was told to. */
export class AddressError extends KimeraError {
  readonly code = 'ADDRESS';
  readonly kind = 'caller';
  constructor(
    readonly host: string,
    readonly port: number,
    readonly reason: string,
  ) {
    super(`cannot listen on ${host}, port ${port}: ${reason}`, { host, port, reason });
  }
}
