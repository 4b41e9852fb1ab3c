import { relative } from 'node:path';
import { fileSha256 } from '@kimera/model-folder';
import { serveWorker } from '@kimera/worker-pool';
import { architectureOf } from '../architectures/index.js';
import { openCheckpoint } from '../checkpoint/checkpoint.js';
import { ReferenceModel } from '../reference/reference-model.js';
import type { Checksums } from '../torch/open-torch.js';
import type { BackgroundRequest, WorkerData } from './messages.js';

await serveWorker(async (data) => {
  const { checkpoint, heads, vouched } = data as WorkerData;
  const withModel = async <T>(checksums: Checksums, use: (model: ReferenceModel) => Promise<T>): Promise<T> => {
    const opened = await openCheckpoint(checkpoint, { checksums, known: { tokenizerJson: '', heads } });
    try {
      return await use(new ReferenceModel(opened, architectureOf(opened)));
    } finally {
      await opened.tensors.close();
    }
  };
  return async (message) => {
    const request = message as BackgroundRequest;
    if (request.kind === 'hash-file') return { response: await fileSha256(request.path) };
    if (request.kind === 'hash-weights') return { response: await withModel((path) => !vouched.includes(relative(checkpoint, path)), (model) => model.weightsHash()) };
    // The hash reads every weight and verifies it.
    return { response: await withModel(() => false, (model) => model.embedAll(request.texts)) };
  };
});
