// usage: encode-kimera.mjs '{"model": FOLDER, "variant": "fp32", "heads": ["dense"], "workers": 1, "cache": FOLDER}'
// Without "workers" and with packed weights in "cache", as a server has them, the clock starts when these are there.
// Plain JavaScript, as the others: a TypeScript loader would count into its memory.
import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { setTimeout as pause } from 'node:timers/promises';
import { openOnnxBackend } from '@kimera/backend-onnx';
import { openEmbedder } from '@kimera/embedder';
import { answer } from './json-lines.mjs';

const { model, variant, heads = ['dense'], workers, cache } = JSON.parse(process.argv[2]);
const versionOf = (path) => JSON.parse(readFileSync(new URL(path, import.meta.url), 'utf8')).version;
let backend;
let isSettled = cache === undefined || workers !== undefined || availableParallelism() === 1;
const onEvent = ({ kind }) => {
  isSettled ||= kind === 'unavailable';
};
const packedWeights = cache === undefined ? undefined : { cache, onEvent };
const open = async (folder) => (backend = await openOnnxBackend({ folder, variant, workers, packedWeights }));
const embedder = await openEmbedder({ modelPath: model, backends: [{ name: 'onnx', open }] });
const versions = {
  kimera: versionOf('../../tools/kimera/package.json'),
  'onnxruntime-node': versionOf('../../node_modules/onnxruntime-node/package.json'),
  node: process.versions.node,
};
await answer(
  versions,
  async (texts) => {
    const lane = texts.length === 1 ? 'interactive' : 'bulk';
    return (await embedder.encodeBatch(texts, { heads, lane })).map(({ dense }) => dense);
  },
  async (texts) => {
    while (!isSettled && !backend.isSideBySide) await pause(50);
    return texts;
  },
);
await embedder.close();
