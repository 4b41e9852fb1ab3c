import { serveWorker } from '@kimera/worker-pool';
import { parseTokenizer } from './parse-tokenizer.js';
import { answer, type TokenizerData, type TokenizerRequest } from './tokenizer-request.js';

void serveWorker((data) => {
  const { path, bytes } = data as TokenizerData;
  const tokenizer = parseTokenizer(Buffer.from(bytes).toString('utf8'), path);
  return Promise.resolve((request) => Promise.resolve(answer(tokenizer, request as TokenizerRequest)));
});
