import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

/** A worker's module that fails when it is told to: given to a pool instead of the real one, to test recovery. */
export interface FaultyWorker {
  readonly url: URL;
  /** The next `requests` that reach a worker, second attempts included, end it as a failure would. */
  dieUnder(requests: number): void;
  /** Removes its files. */
  remove(): void;
}

/**
 * Does what the module `worker` does until it is told to die. How many requests are still to fail stands in a file,
 * since a thread that takes the place of a dead one must know it too: so this is for pools of one worker.
 */
export function faultyWorker(worker: URL): FaultyWorker {
  const folder = mkdtempSync(join(tmpdir(), 'kimera-faults-'));
  const faults = join(folder, 'faults');
  const module = join(folder, 'faulty-worker.mjs');
  const dieUnder = (requests: number): void => writeFileSync(faults, String(requests));
  dieUnder(0);
  writeFileSync(module, moduleText(worker, faults));
  return { url: pathToFileURL(module), dieUnder, remove: () => rmSync(folder, { recursive: true, force: true }) };
}

/** Its listener is the first, so that the real worker never sees the request. */
function moduleText(worker: URL, faults: string): string {
  return `
import { readFileSync, writeFileSync } from 'node:fs';
import { parentPort } from 'node:worker_threads';
const faults = ${JSON.stringify(faults)};
parentPort.on('message', (message) => {
  const left = Number(readFileSync(faults, 'utf8'));
  if (!('request' in message) || left === 0) return;
  writeFileSync(faults, String(left - 1));
  process.exit(1);
});
await import(${JSON.stringify(worker.href)});
`;
}
