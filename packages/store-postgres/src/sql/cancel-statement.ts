import { connect } from 'node:net';
import { z } from 'zod';
import type { ServerAddress } from '../address/server-address.js';

/** What a connection is called when its statement is to be ended; node-postgres keeps it, its types do not say so. */
const backend = z.object({ processID: z.int(), secretKey: z.int() });
/** CancelRequest, https://www.postgresql.org/docs/18/protocol-message-formats.html. */
const CANCEL_REQUEST = 80_877_102;

/**
 * Asks the server to end what a connection is waiting for, on a connection of its own; PgBouncer hands it on. The server
 * answers nothing, and takes it without TLS too.
 */
export function cancelStatement({ host, port }: ServerAddress, client: unknown): void {
  const known = backend.safeParse(client).data;
  if (known === undefined) return;
  const message = Buffer.alloc(16);
  message.writeInt32BE(16, 0);
  message.writeInt32BE(CANCEL_REQUEST, 4);
  message.writeInt32BE(known.processID, 8);
  message.writeInt32BE(known.secretKey, 12);
  const socket = host.startsWith('/') ? connect(`${host}/.s.PGSQL.${port}`) : connect(port, host);
  socket.on('error', () => socket.destroy());
  socket.end(message);
}
