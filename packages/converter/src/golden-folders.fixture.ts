import { cp, mkdir } from 'node:fs/promises';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { headsOfText, type HeadsOfText, normalize, tokenBatch, tokenLimit } from '@kimera/core';
import { parseTokenizer } from '@kimera/tokenizers';
import type { ModelFolder } from '@kimera/model-folder';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { z } from 'zod';
import { architectureOf } from './architectures/architecture-of.js';
import { openCheckpoint } from './checkpoint/checkpoint.js';
import { convertCheckpoint } from './convert-checkpoint.js';
import { checkpoints, decodeVector, openPlainBackend } from './fixtures.fixture.js';
import { CheckpointModel } from './model/checkpoint-model.js';
import { embedTexts, type ReferenceOutput, type ReferenceText } from '@kimera/reference-encoder';

const array = z.object({ shape: z.array(z.int()), data: z.string() });
const bertCase = z.object({
  text: z.string(),
  input_ids: z.array(z.int()),
  embedding: z.string(),
  hidden: array.optional(),
});
const promptCase = z.object({
  with_prompt: z.record(
    z.string(),
    z.object({ input_ids: z.array(z.int()), tokens_left_out: z.int(), embedding: z.string() }),
  ),
});
const xlmrCase = z.object({
  input_ids: z.array(z.array(z.int())),
  attention_mask: z.array(z.array(z.int())),
  rows: z.array(z.object({ tokens: z.int(), last_hidden_state: array })),
});
const bgeCase = z.object({
  text: z.string(),
  max_length: z.int(),
  input_ids: z.array(z.int()),
  dense: z.string(),
  lexical_weights: z.record(z.string(), z.number()),
  colbert: array.optional(),
  hidden_states: z.array(array).optional(),
});
const expectedSchema = z.looseObject({
  cases: z.array(z.unknown()),
  other_max_length_cases: z.array(z.unknown()).default([]),
});

/** Largest and mean absolute difference to what the original library gave; `texts` says over how many. */
export class Difference {
  maxAbs = 0;
  texts = 0;
  #sum = 0;
  #numbers = 0;
  get mean(): number {
    return this.#numbers === 0 ? 0 : this.#sum / this.#numbers;
  }
  add(actual: ArrayLike<number>, expected: ArrayLike<number>): void {
    this.texts += 1;
    if (actual.length !== expected.length) this.maxAbs = Infinity;
    for (let i = 0; i < expected.length; i++) {
      const difference = Math.abs((actual[i] as number) - (expected[i] as number));
      if (!(difference <= this.maxAbs)) this.maxAbs = difference;
      this.#sum += difference;
      this.#numbers += 1;
    }
  }
}

export interface GoldenComparison {
  readonly folder: string;
  readonly model: ModelFolder;
  /** The graphs of the converted folder: hidden states by the portable one, the others by the fast one. */
  readonly graphs: Readonly<Record<'hidden' | 'dense' | 'sparse' | 'colbert', Difference>>;
  /** The float64 forward pass over the checkpoint. */
  readonly reference: Readonly<Record<'hidden' | 'dense' | 'sparse' | 'colbert', Difference>>;
  /** Before the normalisation: the fast graph against the forward pass. Without texts where the model does not normalise. */
  readonly pooled: Difference;
  /** The forward pass before the normalisation, normalised, against the original library's vector. */
  readonly pooledDirection: Difference;
  /** Texts whose token ids are not those of the original library. */
  readonly differentIds: readonly string[];
}

interface Expectation extends HeadsOfText {
  readonly text: ReferenceText;
  readonly hidden?: Float32Array;
}

/**
 * Converts a golden folder into `scratch` and compares everything that its expected.json holds.
 * @param from where the folder is.
 */
export async function compareGoldenFolder(
  folder: string,
  scratch: string,
  from = checkpoints,
): Promise<GoldenComparison> {
  const source = join(scratch, `${folder}-source`);
  await mkdir(source, { recursive: true });
  await cp(join(from, folder), source, { recursive: true });
  // The backbone's folders without a tokenizer have that of bge-m3-tiny.
  if (!existsSync(join(source, 'tokenizer.json')))
    for (const name of ['tokenizer.json', 'special_tokens_map.json'])
      await cp(join(checkpoints, 'bge-m3-tiny', name), join(source, name));
  const model = await convertCheckpoint({
    source,
    out: join(scratch, folder),
    variant: 'fp32',
    openBackend: openPlainBackend,
  });
  const expectations = readExpectations(folder, from);
  const differences = (): GoldenComparison['graphs'] => ({
    hidden: new Difference(),
    dense: new Difference(),
    sparse: new Difference(),
    colbert: new Difference(),
  });
  const [graphs, reference] = [differences(), differences()];

  const [pooled, pooledDirection] = [new Difference(), new Difference()];
  const checkpoint = await openCheckpoint(source);
  const backend = await openPlainBackend(model);
  const portable = await InferenceSession.create(join(model.path, 'onnx/model.onnx'), { intraOpNumThreads: 1 });
  try {
    const outputs = await embedTexts(
      new CheckpointModel(checkpoint, architectureOf(checkpoint)).reference(),
      expectations.map(({ text }) => text),
    );
    for (const [i, expectation] of expectations.entries()) {
      const { ids, promptTokens } = expectation.text;
      compare(reference, outputs[i] as ReferenceOutput, expectation);
      const output = await backend.run(
        { ...tokenBatch([Int32Array.from(ids)]), promptTokens: Int32Array.of(promptTokens) },
        { heads: model.space.heads },
      );
      const expectedPooled = (outputs[i] as ReferenceOutput).pooled;
      if (expectedPooled !== undefined) {
        const { dense } = await backend.run(
          { ...tokenBatch([Int32Array.from(ids)]), promptTokens: Int32Array.of(promptTokens) },
          { heads: ['dense'], normalize: false },
        );
        pooled.add(dense ?? [], expectedPooled);
        if (expectation.dense !== undefined) pooledDirection.add(normalize(expectedPooled), expectation.dense);
      }
      const hidden = await hiddenStates(portable, ids);
      compare(
        graphs,
        { hidden, dense: new Float32Array(), ...headsOfText(output, 0, 1) },
        { hidden: (outputs[i] as ReferenceOutput).hidden, ...expectation },
      );
    }
    const tokenizer = parseTokenizer(checkpoint.tokenizerJson, folder);
    const differentIds = goldenTexts(folder, from)
      .filter(
        ({ text, ids, limit }) =>
          tokenizer
            .encode(text, { ...tokenLimit(model.space), ...(limit === undefined ? {} : { maxTokens: limit }) })
            .ids.join() !== ids.join(),
      )
      .map(({ text }) => text);
    return { folder, model, graphs, reference, pooled, pooledDirection, differentIds };
  } finally {
    await portable.release();
    await backend.close();
    await checkpoint.tensors.close();
  }
}

function compare(into: GoldenComparison['graphs'], actual: ReferenceOutput, expected: Omit<Expectation, 'text'>): void {
  if (expected.hidden !== undefined) into.hidden.add(actual.hidden, expected.hidden);
  if (expected.dense !== undefined) into.dense.add(actual.dense, expected.dense);
  if (expected.colbert !== undefined) into.colbert.add(actual.colbert ?? [], expected.colbert);
  if (expected.sparse === undefined) return;
  const ids = [...new Set([...expected.sparse.keys(), ...(actual.sparse?.keys() ?? [])])];
  into.sparse.add(
    ids.map((id) => actual.sparse?.get(id) ?? 0),
    ids.map((id) => expected.sparse?.get(id) ?? 0),
  );
}

async function hiddenStates(session: InferenceSession, ids: ArrayLike<number>): Promise<Float32Array> {
  const row = (value: (i: number) => number): Tensor =>
    new Tensor(
      'int64',
      BigInt64Array.from({ length: ids.length }, (_, i) => BigInt(value(i))),
      [1, ids.length],
    );
  const types = session.inputNames.includes('token_type_ids') ? { token_type_ids: row(() => 0) } : {};
  const output = await session.run({ input_ids: row((i) => ids[i] ?? 0), attention_mask: row(() => 1), ...types });
  return Float32Array.from(output['last_hidden_state']?.data as Float32Array);
}

function readExpected(folder: string, from: string): z.infer<typeof expectedSchema> {
  return expectedSchema.parse(JSON.parse(readFileSync(join(from, folder, 'expected.json'), 'utf8')));
}

function readExpectations(folder: string, from: string): readonly Expectation[] {
  const { cases, other_max_length_cases } = readExpected(folder, from);
  const text = (ids: readonly number[], promptTokens = 0): ReferenceText => ({ ids, promptTokens });
  if (folder.startsWith('xlmr-')) {
    return z
      .array(xlmrCase)
      .parse(cases)
      .flatMap(({ input_ids, rows }) =>
        rows.map(({ tokens, last_hidden_state }, i) => ({
          text: text((input_ids[i] ?? []).slice(0, tokens)),
          hidden: decodeVector(last_hidden_state.data),
        })),
      );
  }
  if (folder === 'bge-m3-tiny') {
    return z
      .array(bgeCase)
      .parse([...cases, ...other_max_length_cases])
      .map(({ input_ids, dense, lexical_weights, colbert, hidden_states }) => {
        const hidden = hidden_states?.at(-1);
        return {
          text: text(input_ids),
          dense: decodeVector(dense),
          sparse: new Map(Object.entries(lexical_weights).map(([id, weight]) => [Number(id), weight])),
          ...(colbert === undefined ? {} : { colbert: decodeVector(colbert.data) }),
          ...(hidden === undefined ? {} : { hidden: decodeVector(hidden.data) }),
        };
      });
  }
  if (folder === 'bert-tiny-prompts') {
    return z
      .array(promptCase)
      .parse(cases)
      .flatMap(({ with_prompt }) =>
        Object.values(with_prompt).map(({ input_ids, tokens_left_out, embedding }) => ({
          text: text(input_ids, tokens_left_out),
          dense: decodeVector(embedding),
        })),
      );
  }
  return z
    .array(bertCase)
    .parse(cases)
    .map(({ input_ids, embedding, hidden }) => ({
      text: text(input_ids),
      dense: decodeVector(embedding),
      ...(hidden === undefined ? {} : { hidden: decodeVector(hidden.data) }),
    }));
}

function goldenTexts(
  folder: string,
  from: string,
): readonly { readonly text: string; readonly ids: readonly number[]; readonly limit?: number }[] {
  const { cases, other_max_length_cases } = readExpected(folder, from);
  if (folder === 'bge-m3-tiny')
    return z
      .array(bgeCase)
      .parse([...cases, ...other_max_length_cases])
      .map(({ text, input_ids, max_length }) => ({ text, ids: input_ids, limit: max_length }));
  if (folder.startsWith('xlmr-')) return [];
  if (folder === 'bert-tiny-prompts') {
    return cases.flatMap((value) => {
      const { text } = z.object({ text: z.string() }).parse(value);
      const prompts = z
        .object({ with_prompt: z.record(z.string(), z.object({ prompt: z.string(), input_ids: z.array(z.int()) })) })
        .parse(value).with_prompt;
      return Object.values(prompts).map(({ prompt, input_ids }) => ({ text: prompt + text, ids: input_ids }));
    });
  }
  return z
    .array(bertCase)
    .parse(cases)
    .map(({ text, input_ids }) => ({ text, ids: input_ids }));
}
