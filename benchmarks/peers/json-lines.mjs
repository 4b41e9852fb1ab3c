// The protocol of benchmarks/side-by-side/peer-process.ts (encode.py says what it is), for libraries of Node.
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { pathToFileURL } from 'node:url';

/** A module of the folder where a peer is installed: it is not this repository's own copy. */
export async function importFrom(home, name) {
  const require = createRequire(join(home, 'peers.cjs'));
  return import(pathToFileURL(require.resolve(name)).href);
}

const say = (message) => process.stdout.write(`${JSON.stringify(message)}\n`);

/**
 * Answers until stdin ends. @param encode texts to their vectors, in order. @param prepare what it takes instead of the texts,
 * made before the clock starts.
 */
export async function answer(versions, encode, prepare = async (texts) => texts) {
  say({ ready: true, versions });
  for await (const line of createInterface({ input: process.stdin })) {
    const { texts, alone, vectors: wanted } = JSON.parse(line);
    if (alone) {
      const milliseconds = [];
      for (const text of texts) {
        const started = performance.now();
        await encode([text]);
        milliseconds.push(performance.now() - started);
      }
      say({ milliseconds });
      continue;
    }
    const input = await prepare(texts);
    const started = performance.now();
    const vectors = await encode(input);
    const seconds = (performance.now() - started) / 1000;
    const base64 = (vector) => Buffer.from(Float32Array.from(vector).buffer).toString('base64');
    say({ seconds, ...(wanted ? { vectors: vectors.map(base64) } : {}) });
  }
}
