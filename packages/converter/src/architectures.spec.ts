import { readFileSync } from 'node:fs';
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { maxAbsDifference, tokenBatch } from '@kimera/core';
import { writeSafetensors, type Tensor } from '@kimera/safetensors';
import { openSafetensors } from '@kimera/tensor-file';
import { convertCheckpoint } from './convert-checkpoint.js';
import { checkpoints, decodeVector, openPlainBackend, portableHiddenStates } from './fixtures.fixture.js';

/** PROVENANCE.md of the goldens: an fp32 runtime against the original library. */
const FP32_RUNTIME = 2e-5;

let scratch = '';
beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'kimera-architectures-'));
});
afterAll(() => rm(scratch, { recursive: true, force: true }));

it('DistilBERT: bert-tiny-mean under its names, with the token type folded into the positions, has the same vectors', async () => {
  const source = join(scratch, 'distilbert');
  await cp(join(checkpoints, 'bert-tiny-mean'), source, { recursive: true });
  const bert = await openSafetensors(join(source, 'model.safetensors'));
  const type = await bert.read('embeddings.token_type_embeddings.weight', { from: 0, count: 32 });
  const renamed = new Map<string, Tensor>();
  for (const name of bert.names) {
    if (name.includes('token_type') || name.includes('position_ids') || name.startsWith('pooler')) continue;
    const values = await bert.read(name);
    if (name.includes('position_embeddings')) values.forEach((value, i) => (values[i] = value + (type[i % 32] ?? 0)));
    const own = name
      .replace('encoder.layer', 'transformer.layer')
      .replace(/attention\.self\.(query|key|value)/, (_, part: string) => `attention.${part[0]}_lin`)
      .replace('attention.output.dense', 'attention.out_lin')
      .replace('attention.output.LayerNorm', 'sa_layer_norm')
      .replace('intermediate.dense', 'ffn.lin1')
      .replace('output.dense', 'ffn.lin2')
      .replace('output.LayerNorm', 'output_layer_norm');
    renamed.set(`distilbert.${own}`, {
      type: 'F32',
      shape: bert.shape(name) ?? [],
      bytes: new Uint8Array(values.buffer),
    });
  }
  await bert.close();
  await writeFile(join(source, 'model.safetensors'), writeSafetensors(renamed));
  const config = JSON.parse(await readFile(join(source, 'config.json'), 'utf8')) as Readonly<Record<string, number>>;
  await writeFile(
    join(source, 'config.json'),
    JSON.stringify({
      model_type: 'distilbert',
      dim: config['hidden_size'],
      n_layers: config['num_hidden_layers'],
      n_heads: config['num_attention_heads'],
      hidden_dim: config['intermediate_size'],
      vocab_size: config['vocab_size'],
      max_position_embeddings: config['max_position_embeddings'],
      activation: 'gelu',
    }),
  );
  const folder = await convertCheckpoint({
    source,
    out: join(scratch, 'distilbert-out'),
    variant: 'fp32',
    openBackend: openPlainBackend,
  });
  const backend = await openPlainBackend(folder);
  const { cases } = JSON.parse(readFileSync(join(source, 'expected.json'), 'utf8')) as {
    readonly cases: readonly { readonly input_ids: readonly number[]; readonly embedding: string }[];
  };
  for (const { input_ids, embedding } of cases) {
    const { dense = [] } = await backend.run(tokenBatch([input_ids]), { heads: ['dense'] });
    expect(maxAbsDifference(dense, decodeVector(embedding))).toBeLessThan(FP32_RUNTIME);
  }
  await backend.close();
});

it('RoBERTa: the backbone of bge-m3-tiny under its name has the same hidden states, and its own type', async () => {
  const source = join(scratch, 'roberta');
  await cp(join(checkpoints, 'xlmr-tiny-safetensors'), source, { recursive: true });
  const config = JSON.parse(await readFile(join(source, 'config.json'), 'utf8')) as object;
  await writeFile(join(source, 'config.json'), JSON.stringify({ ...config, model_type: 'roberta' }));
  const folder = await convertCheckpoint({
    source,
    out: join(scratch, 'roberta-out'),
    variant: 'fp32',
    openBackend: openPlainBackend,
  });
  expect(folder.file.architecture.type).toBe('roberta');
  const { cases } = JSON.parse(readFileSync(join(source, 'expected.json'), 'utf8')) as {
    readonly cases: readonly {
      readonly input_ids: readonly (readonly number[])[];
      readonly rows: readonly { readonly tokens: number; readonly last_hidden_state: { readonly data: string } }[];
    }[];
  };
  const [row] = cases[1]?.rows ?? [];
  const hidden = await portableHiddenStates(folder, cases[1]?.input_ids[0]?.slice(0, row?.tokens) ?? [], 0);
  expect(maxAbsDifference(hidden, decodeVector(row?.last_hidden_state.data ?? ''))).toBeLessThan(FP32_RUNTIME);
});
