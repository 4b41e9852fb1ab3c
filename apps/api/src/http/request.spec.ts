import { IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import { expect, it } from '@jest/globals';
import { abortOnClose } from './request.js';

it('ends the work of a client that went away, which is not a shutdown', () => {
  const response = new ServerResponse(new IncomingMessage(new Socket()));
  const signal = abortOnClose(response);
  expect(signal.aborted).toBe(false);
  response.emit('close');
  expect(signal.reason).toMatchObject({ code: 'client_closed_request', kind: 'caller' });
});
