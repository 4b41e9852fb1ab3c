// usage: migrate-kimera.mjs '{"model": FOLDER, "variant": "fp32"}'
// A migration behind the same protocol: the texts of a request become a collection of the embedded database, in the space of
// the static model that ships, and are moved to the model's by one worker; its seconds are the answer.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { openStaticModel } from '@kimera/backend-light';
import { openOnnxBackend } from '@kimera/backend-onnx';
import { Embedder, openEmbedder } from '@kimera/embedder';
import { planMigration, startMigration, work } from '@kimera/migration';
import { openStore } from '@kimera/store-postgres';
import { answer } from './json-lines.mjs';

const { model, variant } = JSON.parse(process.argv[2]);
const source = new Embedder(
  await openStaticModel({ path: fileURLToPath(new URL('../../models/static-minilm', import.meta.url)) }),
);
const target = await openEmbedder({
  modelPath: model,
  backends: [{ name: 'onnx', open: (folder) => openOnnxBackend({ folder, variant }) }],
});
const scratch = await mkdtemp(join(tmpdir(), 'kimera-bench-'));
const store = await openStore({ database: join(scratch, 'data') });
let collections = 0;

/** A collection of the texts, planned and started: its worker has everything to do. */
async function prepare(texts) {
  const collection = `bench${collections++}`;
  await store.collections.createCollection(collection, source.space);
  const embeddings = await source.encodeBatch(texts, { role: 'document', lane: 'bulk' });
  const rows = embeddings.map((embedding, i) => ({ id: String(i), text: texts[i], embedding }));
  await store.collections.upsertRows(collection, rows);
  const parts = { store, collection, source, target, by: 'benchmark' };
  await planMigration(parts, { sampleRows: 16 });
  await startMigration(parts);
  return parts;
}

try {
  await answer(
    {},
    async (parts) => {
      const { written } = await work(parts, { until: 'caught-up' });
      if (written === 0) throw new Error('the worker wrote no row');
      return [];
    },
    prepare,
  );
} finally {
  await store.close();
  await Promise.all([source.close(), target.close()]);
  await rm(scratch, { recursive: true, force: true });
}
