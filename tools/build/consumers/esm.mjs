// A consumer's program: text to vectors with two libraries and a model, each installed as a package.
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { openOnnxBackend } from '@kimera/backend-onnx';
import { cosine } from '@kimera/core';
import { openEmbedder } from '@kimera/embedder';

const modelPath = dirname(fileURLToPath(import.meta.resolve('@kimera/model-all-minilm-l6-v2/package.json')));
const embedder = await openEmbedder({
  modelPath,
  backends: [{ name: 'onnx', open: (folder) => openOnnxBackend({ folder }) }],
});
try {
  // More text than the tokenizer takes on the caller's thread, so that its worker answers too.
  const [cat, kitten] = await embedder.encodeBatch([
    'a cat',
    'a kitten',
    ...Array.from({ length: 50 }, () => 'a long invoice '.repeat(10)),
  ]);
  console.log(
    JSON.stringify({ dimension: cat.dense.length, space: cat.space, cosine: cosine(cat.dense, kitten.dense) }),
  );
} finally {
  await embedder.close();
}
