import { parentPort, workerData } from 'node:worker_threads';
import { toPortableError } from '@kimera/core';
import type { StopMessage, ReadyMessage, RequestMessage, ResponseMessage } from './messages.js';

export interface WorkerReply {
  readonly response: unknown;
  readonly transfer?: readonly ArrayBuffer[];
}

/**
 * The worker's side: `create` builds the handler from the pool's data (a failure fails the pool's opening), then
 * requests are answered one by one in order. What `create` told last goes to the pool's `onReady`.
 */
export async function serveWorker(
  create: (data: unknown, tell: (note: unknown) => void) => Promise<(request: unknown) => Promise<WorkerReply>>,
): Promise<void> {
  const port = parentPort;
  if (port === null) throw new Error('serveWorker runs in a worker thread');
  const send = (message: ReadyMessage | ResponseMessage, transfer: readonly ArrayBuffer[] = []): void =>
    port.postMessage(message, [...transfer]);
  let handle: (request: unknown) => Promise<WorkerReply>;
  let note: unknown;
  try {
    handle = await create(workerData, (told) => {
      note = told;
    });
  } catch (error) {
    send({ ready: false, error: toPortableError(error) });
    return;
  }
  let queue = Promise.resolve();
  port.on('message', (message: RequestMessage | StopMessage) => {
    if ('control' in message) {
      void queue.then(() => port.close());
      return;
    }
    const { request } = message;
    queue = queue.then(async () => {
      try {
        const { response, transfer } = await handle(request);
        send({ response }, transfer);
      } catch (error) {
        send({ error: toPortableError(error) });
      }
    });
  });
  send({ ready: true, note });
}
