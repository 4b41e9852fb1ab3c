/**
 * How near is MiniLM to sentence-transformers, text in, vector out, over the 120 texts of fixtures/minilm? The
 * checkpoint given by `--checkpoint DIR` (config.json, model.safetensors, tokenizer.json …) is converted to float32 in
 * a temporary folder; the shipped variant stands beside it. Fails where float32 is below a cosine of 0.999999.
 */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { openMeasuredBackend, openOnnxBackend } from '@kimera/backend-onnx';
import { convertCheckpoint } from '@kimera/converter';
import { cosine, maxAbsDifference, norm } from '@kimera/core';
import { openEmbedder } from '@kimera/embedder';
import { decodeVector } from '@kimera/model-folder';
import { z } from 'zod';
import { machineLines, root, table } from './machine.js';

const FP32_FLOOR = 0.999999;
const goldensSchema = z.object({
  cases: z.array(
    z.object({ text: z.string(), input_ids: z.array(z.int()), truncated: z.boolean(), embedding: z.string() }),
  ),
});

const {
  values: { checkpoint },
} = parseArgs({ options: { checkpoint: { type: 'string' } } });
if (checkpoint === undefined)
  throw new Error('--checkpoint DIR is needed: a folder with the files of sentence-transformers/all-MiniLM-L6-v2');
const { cases } = goldensSchema.parse(JSON.parse(await readFile(join(root, 'fixtures/minilm/expected.json'), 'utf8')));

async function measure(
  modelPath: string,
): Promise<{ readonly minCosine: number; readonly row: readonly (string | number)[] }> {
  const embedder = await openEmbedder({
    modelPath,
    backends: [{ name: 'onnx', open: (folder) => openOnnxBackend({ folder }) }],
  });
  const embeddings = await embedder.encodeBatch(cases.map(({ text }) => text));
  const variant = embedder.getPerformanceStats().variant;
  await embedder.close();
  const compared = embeddings.map(({ dense = new Float32Array(), tokens, truncated }, i) => {
    const golden = cases[i];
    const expected = decodeVector(golden?.embedding ?? '');
    return {
      cosine: cosine(dense, expected),
      maxAbs: maxAbsDifference(dense, expected),
      norm: Math.abs(norm(dense) - 1),
      tokensEqual: tokens === golden?.input_ids.length && truncated === golden.truncated,
    };
  });
  const minCosine = Math.min(...compared.map((one) => one.cosine));
  const maxAbs = Math.max(...compared.map((one) => one.maxAbs));
  const worstNorm = Math.max(...compared.map((one) => one.norm));
  return {
    minCosine,
    row: [
      variant,
      compared.length,
      compared.filter(({ tokensEqual }) => tokensEqual).length,
      minCosine.toFixed(9),
      maxAbs.toExponential(2),
      worstNorm.toExponential(1),
    ],
  };
}

const scratch = await mkdtemp(join(tmpdir(), 'kimera-fidelity-'));
try {
  const out = join(scratch, 'fp32');
  await convertCheckpoint({ source: checkpoint, out, variant: 'fp32', openBackend: openMeasuredBackend });
  const fp32 = await measure(out);
  const shipped = await measure(join(root, 'models/all-MiniLM-L6-v2'));
  console.log(`# MiniLM against sentence-transformers\n\n${machineLines().join('\n')}\n`);
  console.log(
    table(
      ['variant', 'texts', 'token count and truncation equal', 'least cosine', 'largest difference', '‖v‖ - 1 at most'],
      [fp32.row, shipped.row],
    ),
  );
  process.exitCode = fp32.minCosine >= FP32_FLOOR ? 0 : 1;
} finally {
  await rm(scratch, { recursive: true, force: true });
}
