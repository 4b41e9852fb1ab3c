// usage: encode-transformers-js.mjs '{"home": DIR where it is installed, "model": DIR with onnx/model.onnx}'
import { basename, dirname } from 'node:path';
import { answer, importFrom } from './json-lines.mjs';

const BATCH = 32;
const { home, model } = JSON.parse(process.argv[2]);
const { env, pipeline } = await importFrom(home, '@huggingface/transformers');
env.allowRemoteModels = false;
env.localModelPath = dirname(model);
const extract = await pipeline('feature-extraction', basename(model), { dtype: 'fp32', device: 'cpu' });

await answer({ 'transformers.js': env.version }, async (texts) => {
  const vectors = [];
  for (let at = 0; at < texts.length; at += BATCH) {
    const { data, dims } = await extract(texts.slice(at, at + BATCH), { pooling: 'mean', normalize: true });
    for (let row = 0; row < dims[0]; row++) vectors.push(data.slice(row * dims[1], (row + 1) * dims[1]));
  }
  return vectors;
});
process.exit(0);
