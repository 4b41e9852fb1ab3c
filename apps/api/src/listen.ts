import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import type { Server } from 'node:http';
import { connect } from 'node:net';
import { AddressError } from '@kimera/serving';

/** The system's error codes in words. */
const REASONS: Readonly<Record<string, string>> = {
  EADDRINUSE: 'something listens there already',
  EACCES: 'this user may not listen there',
  EADDRNOTAVAIL: 'the address is not one of this machine',
  ENOTFOUND: 'there is no host of that name',
};
/** What a host begins with that is the path of a socket. */
const UNIX = 'unix:';

/**
 * @param host a name, an address of IPv4 or IPv6 (in brackets or not), or `unix:` and the path of a socket, which has no
 * port. @returns the address, as a URL or `unix:PATH`. @throws AddressError.
 */
export async function listen(server: Server, host: string, port: number): Promise<string> {
  const path = host.startsWith(UNIX) ? host.slice(UNIX.length) : undefined;
  if (path !== undefined) await removeStale(path);
  const name = host.replace(/^\[(.*)\]$/, '$1');
  await new Promise<void>((resolve, reject) => {
    const refuse = (error: NodeJS.ErrnoException): void =>
      reject(new AddressError(host, port, REASONS[error.code ?? ''] ?? error.message));
    server.once('error', refuse);
    server.listen(path === undefined ? { host: name, port } : { path }, () => {
      server.off('error', refuse);
      resolve();
    });
  });
  const address = server.address();
  if (address === null || typeof address === 'string') return `${UNIX}${address ?? path ?? ''}`;
  return `http://${address.family === 'IPv6' ? `[${address.address}]` : address.address}:${address.port}`;
}

/** The socket of a server that was killed stays behind: nothing answers there. */
async function removeStale(path: string): Promise<void> {
  const client = connect(path);
  try {
    await once(client, 'connect');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ECONNREFUSED') await rm(path, { force: true });
  } finally {
    client.destroy();
  }
}
