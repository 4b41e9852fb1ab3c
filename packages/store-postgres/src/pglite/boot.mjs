// Node 20 cannot start a worker from TypeScript: this file can be started, and loads the module that workerData names.
import { workerData } from 'node:worker_threads';
import { register } from 'tsx/esm/api';

if (workerData.module.endsWith('.ts')) register();
await import(workerData.module);
