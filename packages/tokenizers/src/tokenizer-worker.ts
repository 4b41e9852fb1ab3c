import { readFile } from 'node:fs/promises';
import type { EncodeOptions } from '@kimera/core';
import { serveWorker } from '@kimera/worker-pool';
import { encodeBatch } from './encode-batch.js';
import { parseTokenizer } from './parse-tokenizer.js';

await serveWorker(async (data) => {
  const { tokenizerPath } = data as { readonly tokenizerPath: string };
  const tokenizer = parseTokenizer(await readFile(tokenizerPath, 'utf8'), tokenizerPath);
  return async (request) => {
    const { texts, options } = request as { readonly texts: readonly string[]; readonly options: EncodeOptions };
    const response = encodeBatch(tokenizer, texts, options);
    const transfer = [response.batch.ids.buffer, response.batch.offsets.buffer].filter((buffer) => buffer instanceof ArrayBuffer);
    return { response, transfer };
  };
});
