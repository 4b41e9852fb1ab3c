import type { Server } from 'node:http';
import { AddressError } from '@kimera/serving';

/** The system's error codes in words. */
const REASONS: Readonly<Record<string, string>> = {
  EADDRINUSE: 'something listens there already',
  EACCES: 'this user may not listen there',
  EADDRNOTAVAIL: 'the address is not one of this machine',
  ENOTFOUND: 'there is no host of that name',
};

/** @throws AddressError. */
export function listen(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) =>
      reject(new AddressError(host, port, REASONS[error.code ?? ''] ?? error.message)),
    );
    server.listen(port, host, resolve);
  });
}
