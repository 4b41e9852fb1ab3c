/** Our library behind the protocol of peer-process.ts: kimera-process.ts '{"model": FOLDER, "variant": "fp32"}'. */
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { openOnnxBackend } from '@kimera/backend-onnx';
import { HEADS, VARIANTS, type Embedding } from '@kimera/core';
import { openEmbedder } from '@kimera/embedder';
import { encodeVector } from '@kimera/model-folder';
import { z } from 'zod';

const optionsSchema = z.object({
  model: z.string(),
  variant: z.enum(VARIANTS),
  heads: z.array(z.enum(HEADS)).default(['dense']),
});
const requestSchema = z.object({
  texts: z.array(z.string()),
  vectors: z.boolean().default(false),
  alone: z.boolean().default(false),
});

const { model, variant, heads } = optionsSchema.parse(JSON.parse(process.argv[2] ?? ''));
const say = (message: unknown): void => void process.stdout.write(`${JSON.stringify(message)}\n`);
const versionOf = (path: string): string =>
  z.object({ version: z.string() }).parse(JSON.parse(readFileSync(new URL(path, import.meta.url), 'utf8'))).version;

const embedder = await openEmbedder({
  modelPath: model,
  backends: [{ name: 'onnx', open: (folder) => openOnnxBackend({ folder, variant }) }],
});
say({
  ready: true,
  versions: {
    kimera: versionOf('../../tools/kimera/package.json'),
    'onnxruntime-node': versionOf('../../node_modules/onnxruntime-node/package.json'),
    node: process.versions.node,
  },
});
for await (const line of createInterface({ input: process.stdin })) {
  const { texts, alone, vectors } = requestSchema.parse(JSON.parse(line));
  if (alone) {
    const milliseconds: number[] = [];
    for (const text of texts) {
      const started = performance.now();
      await embedder.encodeText(text, { heads });
      milliseconds.push(performance.now() - started);
    }
    say({ milliseconds });
    continue;
  }
  const started = performance.now();
  const embeddings = await embedder.encodeBatch(texts, { heads, lane: 'bulk' });
  const seconds = (performance.now() - started) / 1000;
  say({ seconds, ...(vectors ? { vectors: embeddings.map(denseOf) } : {}) });
}
await embedder.close();

function denseOf({ dense = new Float32Array() }: Embedding): string {
  return encodeVector(dense);
}
