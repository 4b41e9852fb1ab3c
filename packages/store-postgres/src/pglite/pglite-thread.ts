import { Worker } from 'node:worker_threads';
import { reasonOf } from '@kimera/core';
import { STOP, type PGliteThreadData, type PGliteThreadMessage } from './messages.js';
import { PGLITE_WORKER } from '../workers.js';
import { PGliteOpenError } from '../errors.js';

/** The embedded database in its worker thread, serving PostgreSQL's protocol on 127.0.0.1. */
export class PGliteThread {
  private constructor(
    private readonly worker: Worker,
    readonly port: number,
    private readonly ended: Promise<void>,
  ) {}

  /** @throws PGliteOpenError. */
  static async start(data: PGliteThreadData): Promise<PGliteThread> {
    const worker = new Worker(PGLITE_WORKER, { workerData: data });
    let reason = 'the thread ended';
    const ended = new Promise<void>((resolve) => worker.once('exit', () => resolve()));
    worker.on('error', (error) => {
      reason = reasonOf(error);
    });
    const port = await new Promise<number>((resolve, reject) => {
      const refuse = (): void => reject(new PGliteOpenError(data.dataFolder, reason));
      void ended.then(refuse);
      worker.on('message', (message: PGliteThreadMessage) => {
        if (message.kind === 'ready') resolve(message.port);
        else {
          ({ reason } = message);
          refuse();
        }
      });
    }).catch(async (error: unknown) => {
      await worker.terminate();
      throw error;
    });
    return new PGliteThread(worker, port, ended);
  }

  /** Rolls open transactions back, closes the database, ends the thread. Idempotent. */
  async close(): Promise<void> {
    this.worker.postMessage(STOP);
    await this.ended;
  }
}
