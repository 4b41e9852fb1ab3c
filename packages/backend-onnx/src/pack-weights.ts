// A program of its own: writes the packed weights of a graph into a folder, checks them with the model folder's probes,
// and gives the folder its name. It ends without a trace beyond that folder when the process that started it does.
import { rmSync } from 'node:fs';
import { mkdir, rename, rm } from 'node:fs/promises';
import { constants, setPriority } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { KimeraError, reasonOf } from '@kimera/core';
import { openCheckedGraph, savePackedGraph } from './open-graph.js';
import { alignWeights } from './packed/align-weights.js';
import { readEntry, writeEntry } from './packed/entry.js';
import { GRAPH_FILE, WEIGHTS_FILE } from './packed/files.js';
import type { PackAnswer, PackTask } from './pack-in-process.js';

// A thread of its own packs: this one has nothing else to do than to see that the other process is gone.
if (isMainThread) serveStarter(process.argv[2] ?? '');
else
  void pack(workerData as PackTask)
    .then(
      (): PackAnswer => ({ done: true }),
      (error: unknown): PackAnswer => ({ failed: reasonOf(error), unfit: error instanceof KimeraError }),
    )
    .then((answer) => parentPort?.postMessage(answer));

/** Its folder is an argument too: the starter may end before it has sent the task. */
function serveStarter(folder: string): void {
  const gone = (): void => {
    // The thread may add a file while others are removed.
    rmSync(folder, { recursive: true, force: true, maxRetries: 100, retryDelay: 10 });
    // Not by `process.exit`, which waits for what the thread is in.
    process.kill(process.pid, 'SIGKILL');
  };
  if (!process.connected) gone();
  process.once('disconnect', gone);
  process.once('message', (task) => {
    const answer = (told: PackAnswer): void => {
      process.off('disconnect', gone);
      process.send?.(told, () => process.disconnect());
    };
    new Worker(fileURLToPath(import.meta.url), { workerData: task })
      .once('message', answer)
      .once('error', (error) => answer({ failed: reasonOf(error), unfit: false }));
  });
}

async function pack({ data, folder, entry }: PackTask): Promise<void> {
  // Of this thread, before ONNX Runtime starts others, which inherit it. The lowest would wait for hours beside a busy server.
  setPriority(constants.priority.PRIORITY_BELOW_NORMAL);
  const options = { ...data.graph, intraOpThreads: 1 };
  const written = join(folder, 'written');
  await mkdir(written, { mode: 0o700 });
  const source = await savePackedGraph(options, join(written, GRAPH_FILE), WEIGHTS_FILE).catch((error: unknown) => {
    // It may go well another time: a disk without room is no fault of the graph.
    throw new Error(reasonOf(error));
  });
  alignWeights(written, folder);
  await rm(written, { recursive: true });
  await writeEntry(folder, source);
  const { session } = await openCheckedGraph({ ...data, graph: options }, await readEntry(folder));
  await session.release();
  // Another process may have been faster: its folder is as good.
  await rename(folder, entry).catch(async (error: unknown) => {
    await readEntry(entry).catch(() => {
      throw error;
    });
  });
}
