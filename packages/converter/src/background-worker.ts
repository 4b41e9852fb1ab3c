import { fileSha256 } from '@kimera/model-folder';
import { tokenizerIdentity } from '@kimera/tokenizers';
import { serveWorker } from '@kimera/worker-pool';
import { openReferenceModel } from './reference/open-reference-model.js';
import type { BackgroundRequest } from './background/messages.js';

await serveWorker(async () => async (message) => {
  const request = message as BackgroundRequest;
  switch (request.kind) {
    case 'hash-file':
      return { response: await fileSha256(request.path) };
    case 'identify-tokenizer':
      return { response: await tokenizerIdentity(request.json) };
    case 'embed': {
      // The caller's thread reads every weight too, for its hash, and verifies it.
      const model = await openReferenceModel(request.folder, {
        checksums: () => false,
        known: { tokenizerJson: '', heads: request.heads },
      });
      try {
        return { response: await model.embedAll(request.texts) };
      } finally {
        await model.checkpoint.tensors.close();
      }
    }
  }
});
