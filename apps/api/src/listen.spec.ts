import { Server } from 'node:http';
import { expect, it } from '@jest/globals';
import { rejection } from '@kimera/testing';
import { listen } from './listen.js';

/** Fails to listen with an error of the system. */
class FailingServer extends Server {
  constructor(readonly error: Error) {
    super();
  }
  override listen(): this {
    this.emit('error', this.error);
    return this;
  }
}

it.each([
  ['EADDRINUSE', 'something listens there already'],
  ['EACCES', 'this user may not listen there'],
  ['EADDRNOTAVAIL', 'the address is not one of this machine'],
  ['ENOTFOUND', 'there is no host of that name'],
  ['EOTHER', 'the words of the system'],
])('%s is an address error', async (code, reason) => {
  const server = new FailingServer(Object.assign(new Error('the words of the system'), { code }));
  expect(await rejection(() => listen(server, '127.0.0.1', 80))).toMatchObject({
    code: 'ADDRESS',
    host: '127.0.0.1',
    port: 80,
    message: `cannot listen on 127.0.0.1, port 80: ${reason}`,
  });
});
