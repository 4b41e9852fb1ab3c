/**
 * A migration behind the protocol of peer-process.ts: migration-process.ts '{"model": FOLDER, "variant": "fp32"}'. The texts
 * of a request become a collection of the embedded database, in the space of the static model that ships, and are moved
 * to the model's by one worker; its seconds are the answer.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { openOnnxBackend } from '@kimera/backend-onnx';
import { openStaticModel } from '@kimera/backend-light';
import { VARIANTS } from '@kimera/core';
import { Embedder, openEmbedder } from '@kimera/embedder';
import { planMigration, startMigration, work } from '@kimera/migration';
import { openStore } from '@kimera/store-postgres';
import { z } from 'zod';
import { root } from '../machine.js';

const optionsSchema = z.object({ model: z.string(), variant: z.enum(VARIANTS) });
const requestSchema = z.object({ texts: z.array(z.string()) });

const { model, variant } = optionsSchema.parse(JSON.parse(process.argv[2] ?? ''));
const say = (message: unknown): void => void process.stdout.write(`${JSON.stringify(message)}\n`);
const source = new Embedder(await openStaticModel({ path: join(root, 'models/static-minilm') }));
const target = await openEmbedder({
  modelPath: model,
  backends: [{ name: 'onnx', open: (folder) => openOnnxBackend({ folder, variant }) }],
});
const scratch = await mkdtemp(join(tmpdir(), 'kimera-bench-'));
const store = await openStore({ database: join(scratch, 'data') });
let collections = 0;

/** Seconds of the backfill alone. */
async function migrate(texts: readonly string[]): Promise<number> {
  const collection = `bench${collections++}`;
  await store.collections.createCollection(collection, source.space);
  const embeddings = await source.encodeBatch(texts, { role: 'document', lane: 'bulk' });
  await store.collections.upsertRows(
    collection,
    embeddings.map((embedding, i) => ({ id: String(i), text: texts[i] ?? '', embedding })),
  );
  const parts = { store, collection, source, target, by: 'benchmark' };
  await planMigration(parts, { sampleRows: 16 });
  await startMigration(parts);
  const started = performance.now();
  const { written } = await work(parts, { until: 'caught-up' });
  const seconds = (performance.now() - started) / 1000;
  if (written < texts.length) throw new Error(`${written} of ${texts.length} rows were written`);
  return seconds;
}

try {
  say({ ready: true, versions: {} });
  for await (const line of createInterface({ input: process.stdin }))
    say({ seconds: await migrate(requestSchema.parse(JSON.parse(line)).texts) });
} finally {
  await store.close();
  await Promise.all([source.close(), target.close()]);
  await rm(scratch, { recursive: true, force: true });
}
