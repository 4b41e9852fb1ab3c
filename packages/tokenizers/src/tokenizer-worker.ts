import type { EncodeOptions } from '@kimera/core';
import { serveWorker } from '@kimera/worker-pool';
import { encodeBatch } from './encode-batch.js';
import { readTokenizer } from './node/read-tokenizer.js';

void serveWorker(async (data) => {
  const { tokenizerPath, sha256 } = data as { readonly tokenizerPath: string; readonly sha256: string };
  const { tokenizer } = await readTokenizer(tokenizerPath, sha256);
  return async (request) => {
    const { texts, options } = request as { readonly texts: readonly string[]; readonly options: EncodeOptions };
    const response = encodeBatch(tokenizer, texts, options);
    const transfer = [response.batch.ids.buffer, response.batch.offsets.buffer].filter(
      (buffer) => buffer instanceof ArrayBuffer,
    );
    return { response, transfer };
  };
});
