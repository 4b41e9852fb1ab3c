// usage: encode-llama-cpp.mjs '{"home": DIR where node-llama-cpp is installed, "model": a file in GGUF, "version": its version}'
import { answer, importFrom } from './json-lines.mjs';

const { home, model: modelPath, version } = JSON.parse(process.argv[2]);
const { getLlama, LlamaLogLevel } = await importFrom(home, 'node-llama-cpp');
// The processor's own build that comes with the package; its log goes nowhere, since stdout is the protocol's.
const llama = await getLlama({ gpu: false, build: 'never', logLevel: LlamaLogLevel.error, logger: () => undefined });
const model = await llama.loadModel({ modelPath });
const context = await model.createEmbeddingContext();

// It takes one text at a time: that is its whole interface.
await answer({ 'node-llama-cpp': version }, async (texts) => {
  const vectors = [];
  for (const text of texts) vectors.push((await context.getEmbeddingFor(text)).vector);
  return vectors;
});
process.exit(0);
