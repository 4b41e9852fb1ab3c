import { existsSync, readdirSync } from 'node:fs';
import { cp, mkdir, readFile, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { openMeasuredBackend } from '@kimera/backend-onnx';
import { verifyModel } from '@kimera/converter';
import { cosine, type InferenceBackend, KimeraError, norm, type Role } from '@kimera/core';
import { Embedder } from '@kimera/embedder';
import { openModelFolder } from '@kimera/model-folder';
import { inlineTokenizer, parseTokenizer } from '@kimera/tokenizers';
import { z } from 'zod';
import { convertModel } from '../models/convert-model.js';
import { root } from '../run-kimera.fixture.js';

/** Checkpoints in odd forms, and what sentence-transformers gives for each: PROVENANCE.md there. */
export const checkpointForms = join(root, 'fixtures/checkpoint-forms');

const vectors = z.array(z.array(z.number()).nullable());
const expectedSchema = z.looseObject({
  about: z.string().default(''),
  error: z.string().optional(),
  texts: z.array(z.string()).default([]),
  ids: z.array(z.array(z.int()).nullable()).default([]),
  vectors: vectors.default([]),
  query: vectors.default([]),
  document: vectors.default([]),
  named: z.record(z.string(), vectors).default({}),
  max: z.number().nullish(),
});
export type ExpectedForm = z.infer<typeof expectedSchema>;

export type Verdict = 'equal' | 'refused' | 'differs' | 'fault';

export interface FormResult {
  readonly form: string;
  readonly about: string;
  readonly verdict: Verdict;
  /** The least cosine to the reference; undefined where nothing was compared. */
  readonly minCosine?: number;
  /** The code of a refusal. */
  readonly code?: string;
  /** Why it was refused, or what differs. */
  readonly reason: string;
  readonly fingerprint?: string;
  /** Lines of `models verify --against` that do not hold; undefined where nothing was converted. */
  readonly failedLines?: readonly string[];
  /** What the reference gives, of forms that are equal. */
  readonly expected?: ExpectedForm;
}

/** How near vectors must be: the cosine, and the norm's ratio to 1. */
export interface Nearness {
  readonly cosine: number;
  readonly norm: number;
}

/** fp32 on both sides: rounding of two orders of summation. */
export const FLOAT32: Nearness = { cosine: 0.99999, norm: 1e-4 };

/** Names of the forms in a folder of forms. */
export function formNames(folder: string): readonly string[] {
  return readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && existsSync(join(folder, entry.name, 'expected.json')))
    .map(({ name }) => name);
}

/** The whole folder of a form, with the files that it shares with others. */
export async function unpackForm(folder: string, form: string, out: string): Promise<void> {
  await cp(join(folder, form), out, { recursive: true });
  const list = join(out, 'shared.json');
  if (!existsSync(list)) return;
  const shared = z.record(z.string(), z.string()).parse(JSON.parse(await readFile(list, 'utf8')));
  await rm(list);
  for (const [file, source] of Object.entries(shared)) {
    await mkdir(dirname(join(out, file)), { recursive: true });
    await cp(join(folder, 'shared', source), join(out, file));
  }
}

/**
 * Converts a form and embeds its texts on the native runtime, then compares with what the reference gave: ids and
 * vectors of all texts, of both roles and of every other prompt, and the limit.
 */
export async function checkForm(
  folder: string,
  form: string,
  scratch: string,
  near: Nearness = FLOAT32,
): Promise<FormResult> {
  const source = join(scratch, 'checkpoints', form);
  await unpackForm(folder, form, source);
  const expected = expectedSchema.parse(JSON.parse(await readFile(join(source, 'expected.json'), 'utf8')));
  await rm(join(source, 'expected.json'));
  const about = { form, about: expected.about };
  const differences: string[] = [];
  let minCosine = 1;
  try {
    const out = join(scratch, 'models', form);
    await convertModel({ source, out, variant: 'fp32', modelId: `forms/${form}`, stop: new AbortController().signal });
    const model = await openModelFolder(out);
    // In this thread: starting one takes longer than all texts of a form.
    const backend = await openMeasuredBackend(model);
    const embedder = new Embedder({
      backend,
      tokenizer: inlineTokenizer(parseTokenizer(await readFile(join(out, 'tokenizer.json'), 'utf8'), out)),
      probes: model.probes,
    });
    try {
      const { space } = embedder;
      if (expected.error !== undefined) differences.push(`converted; the reference fails: ${expected.error}`);
      if (typeof expected.max === 'number' && expected.max !== space.maxTokens)
        differences.push(`limit ${space.maxTokens}, ${expected.max} expected`);
      const compare = async (name: string, rows: ExpectedForm['vectors'], role?: string): Promise<void> => {
        for (const [i, row] of rows.entries()) {
          const text = expected.texts[i] ?? '';
          const dense = await embed(embedder, text, role);
          const shown = `${name} ${JSON.stringify(text.slice(0, 30))}`;
          if (row === null || dense instanceof KimeraError) {
            if (row !== null || dense instanceof Float32Array)
              differences.push(`${shown}: ${dense instanceof KimeraError ? dense.message : 'the reference fails'}`);
            continue;
          }
          const difference = differenceOf(dense, row, near);
          minCosine = Math.min(minCosine, difference.cosine);
          if (difference.reason !== undefined) differences.push(`${shown}: ${difference.reason}`);
        }
      };
      for (const [i, ids] of expected.ids.entries()) {
        // What the reference cannot embed is compared by its vector: null.
        if (ids === null || expected.vectors[i] === null) continue;
        const [actual = new Int32Array()] = (await embedder.tokenize([expected.texts[i] ?? ''])).ids;
        if (actual.join() !== ids.join())
          differences.push(
            `ids of ${JSON.stringify(expected.texts[i]?.slice(0, 30))}: ${firstDifference(actual, ids)}`,
          );
      }
      await compare('text', expected.vectors);
      await compare('query', expected.query, 'query');
      await compare('document', expected.document, 'document');
      for (const [name, rows] of Object.entries(expected.named)) await compare(`prompt ${name}`, rows, name);
      return {
        ...about,
        verdict: differences.length === 0 ? 'equal' : 'differs',
        minCosine,
        reason: differences.slice(0, 3).join('; '),
        fingerprint: space.fingerprint,
        failedLines: await failedLines(out, source, backend),
        expected,
      };
    } finally {
      await embedder.close();
    }
  } catch (error) {
    return error instanceof KimeraError
      ? { ...about, verdict: 'refused', code: error.code, reason: error.message.replaceAll(source, 'FOLDER') }
      : { ...about, verdict: 'fault', reason: String(error) };
  }
}

/** @param backend of the folder, open; it stays open. */
async function failedLines(folder: string, checkpoint: string, backend: InferenceBackend): Promise<readonly string[]> {
  const shared: InferenceBackend = {
    name: backend.name,
    space: backend.space,
    variant: backend.variant,
    run: (batch, request) => backend.run(batch, request),
    close: () => Promise.resolve(),
  };
  const rows = await verifyModel({ folder, checkpoint, openBackend: () => Promise.resolve(shared) });
  return rows.filter(({ holds }) => !holds).map(({ check, expected, actual }) => `${check}: ${actual} (${expected})`);
}

async function embed(embedder: Embedder, text: string, role: string | undefined): Promise<Float32Array | KimeraError> {
  try {
    const { dense } = await embedder.encodeText(text, role === undefined ? {} : { role: role as Role });
    return Float32Array.from(dense ?? []);
  } catch (error) {
    if (error instanceof KimeraError) return error;
    throw error;
  }
}

interface VectorComparison {
  readonly cosine: number;
  readonly reason?: string;
}

function differenceOf(actual: Float32Array, expected: readonly number[], near: Nearness): VectorComparison {
  if (actual.length !== expected.length)
    return { cosine: -1, reason: `${actual.length} numbers, ${expected.length} expected` };
  const row = Float32Array.from(expected);
  if (norm(actual) === 0 || norm(row) === 0) {
    const equal = norm(actual) === norm(row);
    return { cosine: equal ? 1 : -1, ...(equal ? {} : { reason: 'a vector of zeros on one side' }) };
  }
  const similarity = cosine(actual, row);
  const ratio = norm(actual) / norm(row);
  if (similarity < near.cosine) return { cosine: similarity, reason: `cosine ${similarity.toFixed(6)}` };
  if (Math.abs(ratio - 1) > near.norm) return { cosine: similarity, reason: `norm ${ratio.toFixed(6)} times expected` };
  return { cosine: similarity };
}

function firstDifference(actual: ArrayLike<number>, expected: readonly number[]): string {
  const at = expected.findIndex((id, i) => id !== actual[i]);
  return actual.length === expected.length || at >= 0
    ? `${actual[at] ?? 'none'} at ${at}, ${expected[at] ?? 'none'} expected`
    : `${actual.length} tokens, ${expected.length} expected`;
}
