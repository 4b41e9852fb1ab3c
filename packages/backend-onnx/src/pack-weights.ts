// A program of its own: writes the packed weights of a graph into a folder, checks them with the model folder's probes,
// and gives the folder its name. It ends without a trace beyond that folder when the process that started it does.
import { mkdir, rename, rm } from 'node:fs/promises';
import { constants, setPriority } from 'node:os';
import { join } from 'node:path';
import { KimeraError } from '@kimera/core';
import { reasonOf } from '@kimera/fast-graph';
import { openCheckedGraph, savePackedGraph } from './open-graph.js';
import { alignWeights } from './packed/align-weights.js';
import { readEntry, writeEntry } from './packed/entry.js';
import { GRAPH_FILE, WEIGHTS_FILE } from './packed/files.js';
import type { PackAnswer, PackTask } from './pack-in-process.js';

process.once('message', (message) => {
  const task = message as PackTask;
  const gone = (): void => {
    void rm(task.folder, { recursive: true, force: true }).finally(() => process.exit(1));
  };
  process.once('disconnect', gone);
  if (!process.connected) {
    gone();
    return;
  }
  void pack(task)
    .then(
      (): PackAnswer => ({ done: true }),
      (error: unknown): PackAnswer => ({ failed: reasonOf(error), unfit: error instanceof KimeraError }),
    )
    .then((answer) => {
      process.off('disconnect', gone);
      process.send?.(answer, () => process.disconnect());
    });
});

async function pack({ data, folder, entry }: PackTask): Promise<void> {
  // Before ONNX Runtime starts threads, which inherit it.
  setPriority(constants.priority.PRIORITY_LOW);
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
