// usage: encode-kimera.mjs '{"model": FOLDER, "variant": "fp32", "heads": ["dense"], "workers": 1, "cache": FOLDER}'
// Plain JavaScript, as the others: a TypeScript loader would count into its memory.
import { readFileSync } from 'node:fs';
import { openOnnxBackend } from '@kimera/backend-onnx';
import { openEmbedder } from '@kimera/embedder';
import { answer } from './json-lines.mjs';

const { model, variant, heads = ['dense'], workers = 1, cache } = JSON.parse(process.argv[2]);
const versionOf = (path) => JSON.parse(readFileSync(new URL(path, import.meta.url), 'utf8')).version;
const packedWeights = cache === undefined ? undefined : { cache };
const embedder = await openEmbedder({
  modelPath: model,
  backends: [{ name: 'onnx', open: (folder) => openOnnxBackend({ folder, variant, workers, packedWeights }) }],
});
const versions = {
  kimera: versionOf('../../tools/kimera/package.json'),
  'onnxruntime-node': versionOf('../../node_modules/onnxruntime-node/package.json'),
  node: process.versions.node,
};
await answer(versions, async (texts) => {
  const lane = texts.length === 1 ? 'interactive' : 'bulk';
  return (await embedder.encodeBatch(texts, { heads, lane })).map(({ dense }) => dense);
});
await embedder.close();
