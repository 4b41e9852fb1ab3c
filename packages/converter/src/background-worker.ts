import { fileSha256 } from '@kimera/model-folder';
import { tokenizerIdentity } from '@kimera/tokenizers';
import { embedTexts } from '@kimera/reference-encoder';
import { serveWorker } from '@kimera/worker-pool';
import type { BackgroundRequest } from './background.js';
import { openCheckpointModel } from './model/checkpoint-model.js';

void serveWorker(async () => async (message) => {
  const request = message as BackgroundRequest;
  switch (request.kind) {
    case 'hash-file':
      return { response: await fileSha256(request.path) };
    case 'identify-tokenizer':
      return { response: await tokenizerIdentity(request.json) };
    case 'embed': {
      // The caller's thread reads every weight too, for its hash, and verifies it.
      const model = await openCheckpointModel(request.folder, {
        ...request.choices,
        checksums: () => false,
        known: { tokenizerJson: '', heads: request.heads },
      });
      try {
        return { response: await embedTexts(model.reference(), request.texts) };
      } finally {
        await model.checkpoint.tensors.close();
      }
    }
  }
});
