// transformers.js behind the protocol of benchmarks/side-by-side/peer-process.ts (encode.py says what it is).
// usage: encode-transformers-js.mjs '{"home": DIR where it is installed, "model": DIR with onnx/model.onnx}'
import { createRequire } from 'node:module';
import { basename, dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { pathToFileURL } from 'node:url';

const BATCH = 32;
const { home, model } = JSON.parse(process.argv[2]);
// Of the folder where it is installed: it is not this repository's own copy.
const require = createRequire(join(home, 'peers.cjs'));
const { env, pipeline } = await import(pathToFileURL(require.resolve('@huggingface/transformers')).href);
env.allowRemoteModels = false;
env.localModelPath = dirname(model);
const extract = await pipeline('feature-extraction', basename(model), { dtype: 'fp32', device: 'cpu' });
const say = (message) => process.stdout.write(`${JSON.stringify(message)}\n`);

async function encode(texts) {
  const vectors = [];
  for (let at = 0; at < texts.length; at += BATCH) {
    const { data, dims } = await extract(texts.slice(at, at + BATCH), { pooling: 'mean', normalize: true });
    for (let row = 0; row < dims[0]; row++) vectors.push(data.slice(row * dims[1], (row + 1) * dims[1]));
  }
  return vectors;
}

say({ ready: true, versions: { 'transformers.js': env.version, node: process.versions.node } });
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
  const started = performance.now();
  const vectors = await encode(texts);
  const seconds = (performance.now() - started) / 1000;
  say({
    seconds,
    ...(wanted
      ? {
          vectors: vectors.map(({ buffer, byteOffset, byteLength }) =>
            Buffer.from(buffer, byteOffset, byteLength).toString('base64'),
          ),
        }
      : {}),
  });
}
