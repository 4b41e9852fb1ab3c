/*
 * Given to a server by NODE_OPTIONS=--import=…: ends the thread of a model under its next requests, as a crash of the
 * runtime would, as many times as the file FAULTS_FILE says; every second time once the request is computed, and before
 * or while its answer is sent.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { parentPort, workerData } from 'node:worker_threads';

const faults = process.env['FAULTS_FILE'];
if (faults !== undefined && parentPort !== null && typeof workerData === 'object' && 'graph' in workerData)
  parentPort.on('message', (message) => {
    const left = Number(readFileSync(faults, 'utf8'));
    if (!('request' in message) || left === 0) return;
    writeFileSync(faults, String(left - 1));
    if (left % 2 === 1) process.exit(1);
    else setImmediate(() => process.exit(1));
  });
