/**
 * A process of its own: starts a server for each cell of argv[2] (JSON) and prints what came of it, one JSON line each.
 * The folder argv[3] holds `corrupt`.
 */
import { join } from 'node:path';
import { startServer } from '@kimera/api';
import { cosine, KimeraError } from '@kimera/core';
import { decodeVector } from '@kimera/model-folder';
import { parseConfiguration } from '@kimera/serving';
import { pino } from 'pino';
import { z } from 'zod';
import { readFile } from 'node:fs/promises';
import { holdWebAssembly } from './hold-web-assembly.fixture.js';
import { LIGHT_MODEL, OLD_MODEL, ROOT } from './models.js';
import type { Cell, Outcome } from './configuration/cells.js';

/** What a cell was seen to do. */
export interface Observed {
  readonly outcome: Outcome;
  /** Of a probe's vector over HTTP to the one that its folder records. */
  readonly cosine: number | null;
  /** What a request for the other of the two models gets. */
  readonly otherStatus: number | null;
  readonly milliseconds: number;
}

const probesSchema = z.object({
  modelId: z.string(),
  fingerprint: z.string(),
  identity: z.object({ dimension: z.int() }),
  probes: z.array(z.object({ text: z.string(), role: z.string().nullish(), dense: z.string() })).min(1),
});
const healthSchema = z.object({
  status: z.enum(['ok', 'degraded']),
  model: z.string(),
  space: z.string(),
  backend: z.enum(['onnx', 'wasm', 'static']),
});
const answerSchema = z.object({ data: z.array(z.object({ embedding: z.string() })).length(1) });

const [, , cellsJson = '[]', scratch = ''] = process.argv;
const cells = JSON.parse(cellsJson) as readonly Cell[];
const read = async (path: string): Promise<z.infer<typeof probesSchema>> =>
  probesSchema.parse(JSON.parse(await readFile(join(path, 'space.json'), 'utf8')));
const [model, light] = [await read(OLD_MODEL), await read(LIGHT_MODEL)];
const paths: Readonly<Record<Cell['model'], string>> = {
  present: OLD_MODEL,
  absent: join(scratch, 'absent'),
  corrupt: join(scratch, 'corrupt'),
};

// A sixth of the servers open this runtime, each in a new thread.
const runtime = await holdWebAssembly(join(ROOT, 'node_modules/onnxruntime-web/dist/ort-wasm-simd-threaded.wasm'));
for (const cell of cells) {
  const started = performance.now();
  const asked = cell.lightweight === '1' ? light : model;
  const environment = {
    USE_ONNX: cell.useOnnx,
    // The vectors are compared with those of the checkpoint more closely than 8 bits are.
    KIMERA_VARIANT: 'full',
    LIGHTWEIGHT_EMBEDDING: cell.lightweight,
    FALLBACK_SPACE: cell.fallbackSpace,
    ONNX_MODEL_PATH: paths[cell.model],
    LIGHT_MODEL_PATH: LIGHT_MODEL,
    PORT: '0',
    EMBEDDING_DIM: String(cell.dimension === 'right' ? asked.identity.dimension : asked.identity.dimension + 1),
  };
  const seen = await observe(environment);
  process.stdout.write(
    `${JSON.stringify({ ...seen, milliseconds: performance.now() - started } satisfies Observed)}\n`,
  );
}
runtime.release();
process.exit(0);

async function observe(environment: Readonly<Record<string, string>>): Promise<Omit<Observed, 'milliseconds'>> {
  let server;
  try {
    server = await startServer(parseConfiguration(environment, ROOT), pino({ enabled: false }));
  } catch (error) {
    return {
      outcome: { starts: false, code: error instanceof KimeraError ? error.code : String(error) },
      cosine: null,
      otherStatus: null,
    };
  }
  try {
    const { url } = server;
    const health = healthSchema.parse(await (await fetch(`${url}/health`)).json());
    const [served, other] = health.space === light.fingerprint ? [light, model] : [model, light];
    const probe = served.probes.find(({ text, role }) => text !== '' && (role ?? null) === null) ?? served.probes[0];
    const embed = (name: string, input: string): Promise<Response> =>
      fetch(`${url}/v1/embeddings`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ model: name, input, encoding_format: 'base64', truncate: true }),
      });
    const answer = await embed(served.modelId, probe?.text ?? '');
    const dense = decodeVector(answerSchema.parse(await answer.json()).data[0]?.embedding ?? '');
    const named = answer.headers.get('x-embedding-space') === served.fingerprint && health.model === served.modelId;
    return {
      outcome: {
        starts: true,
        serves: served === light ? 'light' : 'model',
        backend: health.backend,
        status: health.status,
      },
      cosine: named ? cosine(dense, decodeVector(probe?.dense ?? '')) : null,
      otherStatus: (await embed(other.modelId, 'x')).status,
    };
  } finally {
    await server.close();
  }
}
