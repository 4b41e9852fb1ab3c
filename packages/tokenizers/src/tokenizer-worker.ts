import { serveWorker } from '@kimera/worker-pool';
import { readTokenizer } from './node/read-tokenizer.js';
import { answer, type TokenizerRequest } from './tokenizer-request.js';

void serveWorker(async (data) => {
  const { tokenizerPath, sha256 } = data as { readonly tokenizerPath: string; readonly sha256: string };
  const { tokenizer } = await readTokenizer(tokenizerPath, sha256);
  return async (request) => answer(tokenizer, request as TokenizerRequest);
});
