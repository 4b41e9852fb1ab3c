import { fileURLToPath } from 'node:url';
import { expect, it } from '@jest/globals';
import { parseConfiguration } from '@kimera/serving';
import { pino } from 'pino';
import { startServer } from './server.js';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const MODEL = 'kimera/all-MiniLM-L6-v2-static';
/** In each text of every request below; no line of the log may have it, in any level. */
const MARK = 'zebrafinch';

it('no text, no key and no query string gets into the log', async () => {
  const lines: string[] = [];
  const logger = pino({ level: 'trace' }, { write: (line: string) => void lines.push(line) });
  const server = await startServer(
    parseConfiguration({ LIGHTWEIGHT_EMBEDDING: '1', PORT: '0', KIMERA_API_KEYS: `key-${MARK}` }, root),
    logger,
  );
  const long = `${MARK} `.repeat(2_000);
  const bodies: readonly (readonly [string, unknown])[] = [
    ['/v1/embeddings', { model: MODEL, input: MARK }],
    ['/v1/embeddings', { model: MODEL, input: long }],
    ['/v1/embeddings', { model: MODEL, input: [MARK, ''] }],
    ['/v1/embeddings', { model: MODEL, input: { [MARK]: 1 } }],
    ['/v1/embeddings', { model: MODEL, input: MARK, dimensions: MARK }],
    ['/embed', { inputs: [MARK, long] }],
    ['/embed', { inputs: MARK, prompt_name: 'nothing' }],
    ['/embed_all', { inputs: MARK }],
    ['/embed_sparse', { inputs: MARK }],
    ['/tokenize', { inputs: MARK }],
    ['/similarity', { inputs: { source_sentence: MARK, sentences: [MARK] } }],
    ['/v1/encode', { model: MODEL, inputs: [MARK, long] }],
    ['/v1/similarity', { source: MARK, targets: [MARK] }],
    ['/v1/rerank', { query: MARK, documents: [MARK] }],
    ['/v1/collections/docs/search', { query: MARK }],
    [`/embed?text=${MARK}`, { inputs: MARK }],
  ];
  try {
    for (const authorization of [`Bearer key-${MARK}`, `Bearer wrong-${MARK}`])
      for (const [path, body] of bodies)
        await (
          await fetch(server.url + path, {
            method: 'POST',
            headers: { 'content-type': 'application/json', authorization },
            body: JSON.stringify(body),
          })
        ).arrayBuffer();
    await fetch(`${server.url}/embed`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer key-${MARK}` },
      body: `{"inputs": "${MARK}`,
    });
  } finally {
    await server.close();
  }
  expect(lines.filter((line) => line.includes('"request"')).length).toBeGreaterThanOrEqual(2 * bodies.length);
  expect(lines.filter((line) => line.includes(MARK))).toEqual([]);
});
