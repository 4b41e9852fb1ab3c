// The same from CommonJS.
const { dirname } = require('node:path');
const { openOnnxBackend } = require('@kimera/backend-onnx');
const { cosine } = require('@kimera/core');
const { openEmbedder } = require('@kimera/embedder');

async function main() {
  const modelPath = dirname(require.resolve('@kimera/model-all-minilm-l6-v2/package.json'));
  const embedder = await openEmbedder({
    modelPath,
    backends: [{ name: 'onnx', open: (folder) => openOnnxBackend({ folder }) }],
  });
  try {
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
}
main().catch((error) => {
  console.error(error);
  process.exit(1);
});
