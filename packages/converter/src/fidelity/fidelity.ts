import {
  cosine,
  type Fidelity,
  type Head,
  type HeadsOfText,
  headsOfText,
  type InferenceBackend,
  maxAbsDifference,
  tokenBatch,
  type VariantName,
  type Vector,
} from '@kimera/core';
import type { ModelFolder } from '@kimera/model-folder';
import type { ReferenceText } from '@kimera/reference-encoder';

/** Loads a variant of a folder for measuring, without checking its probes: they are what is measured. */
export type OpenBackend = (folder: ModelFolder, variant: VariantName) => Promise<InferenceBackend>;

/** The heads of one text, the dense one among them. */
export type HeadOutputs = HeadsOfText & { readonly dense: Vector };

const NEIGHBOURS = 10;
/** Texts of one call of the backend. */
const BATCH_TEXTS = 64;

/** Runs each text in a batch of its own, with all heads of the space. */
export async function runTexts(
  backend: InferenceBackend,
  texts: readonly ReferenceText[],
): Promise<readonly HeadOutputs[]> {
  const outputs: HeadOutputs[] = [];
  for (const { ids, promptTokens } of texts) {
    const batch = { ...tokenBatch([Int32Array.from(ids)]), promptTokens: Int32Array.of(promptTokens) };
    const output = headsOfText(await backend.run(batch, { heads: backend.space.heads }), 0, 1);
    outputs.push({ ...output, dense: output.dense ?? new Float32Array() });
  }
  return outputs;
}

/** The dense vector [D] of each text, many texts in one call: faster, and the way a backend is used. */
export async function runDense(
  backend: InferenceBackend,
  texts: readonly ReferenceText[],
): Promise<readonly Float32Array[]> {
  const vectors = new Array<Float32Array>(texts.length).fill(new Float32Array());
  const { dimension } = backend.space;
  // Sorted by length, so that most texts of a batch have the same.
  const order = texts.map((_, i) => i).sort((a, b) => (texts[a]?.ids.length ?? 0) - (texts[b]?.ids.length ?? 0));
  for (let from = 0; from < order.length; from += BATCH_TEXTS) {
    const chosen = order.slice(from, from + BATCH_TEXTS);
    const of = <T>(value: (text: ReferenceText) => T): T[] => chosen.map((i) => value(texts[i] as ReferenceText));
    const batch = {
      ...tokenBatch(of(({ ids }) => Int32Array.from(ids))),
      promptTokens: Int32Array.from(of(({ promptTokens }) => promptTokens)),
    };
    const { dense = new Float32Array() } = await backend.run(batch, { heads: ['dense'] });
    chosen.forEach((i, row) => (vectors[i] = dense.slice(row * dimension, (row + 1) * dimension)));
  }
  return vectors;
}

/**
 * How far outputs are from those expected, text by text.
 * @param digits after the point; figures are rounded to the worse side. Float32 results differ in their last digits
 * between kinds of processor, and the bytes of a folder must not.
 */
export function fidelityOf(
  actual: readonly HeadOutputs[],
  expected: readonly HeadOutputs[],
  digits: 4 | 6 | 7,
): Fidelity {
  const round = (value: number): number => Math.floor(value * 10 ** digits) / 10 ** digits;
  const of = (head: Head): { readonly minCosine: number; readonly meanCosine: number } | undefined => {
    const cosines = expected.flatMap((output, i) => similarity(head, actual[i], output));
    if (cosines.length === 0) return undefined;
    return {
      minCosine: round(Math.min(...cosines)),
      meanCosine: round(cosines.reduce((sum, value) => sum + value, 0) / cosines.length),
    };
  };
  const [sparse, colbert] = [of('sparse'), of('colbert')];
  const maxAbs = Math.max(...expected.map(({ dense }, i) => maxAbsDifference(dense, actual[i]?.dense ?? [])));
  const ranks = expected.length > NEIGHBOURS ? rankAgreement(actual, expected) : undefined;
  return {
    ...(of('dense') ?? { minCosine: 0, meanCosine: 0 }),
    maxAbs: Math.ceil(maxAbs * 10 ** (digits - 1)) / 10 ** (digits - 1),
    texts: expected.length,
    ...(sparse === undefined && colbert === undefined
      ? {}
      : { heads: { ...(sparse === undefined ? {} : { sparse }), ...(colbert === undefined ? {} : { colbert }) } }),
    ...(ranks === undefined ? {} : { rankAgreement: Math.floor(ranks * 1_000) / 1_000 }),
  };
}

/** Cosine of one head's numbers, taken as one vector; empty where both sides have no number. */
function similarity(head: Head, actual: HeadOutputs | undefined, expected: HeadOutputs): readonly number[] {
  if (head === 'sparse') {
    if (expected.sparse === undefined) return [];
    const [a, b] = [actual?.sparse ?? new Map<number, number>(), expected.sparse];
    const ids = [...new Set([...a.keys(), ...b.keys()])];
    if (ids.length === 0) return [];
    return a.size === 0 || b.size === 0
      ? [0]
      : [
          cosine(
            ids.map((id) => a.get(id) ?? 0),
            ids.map((id) => b.get(id) ?? 0),
          ),
        ];
  }
  const [a, b] = [actual?.[head], expected[head]];
  if (b === undefined || b.length === 0) return [];
  return [a?.length === b.length && a.some((value) => value !== 0) ? cosine(a, b) : 0];
}

/** Mean over the texts of the share of their ten nearest other texts that are the same in both (overlap@10). */
function rankAgreement(actual: readonly HeadOutputs[], expected: readonly HeadOutputs[]): number {
  const nearest = (outputs: readonly HeadOutputs[], text: number): ReadonlySet<number> => {
    const query = outputs[text]?.dense ?? [];
    const scored = outputs.flatMap(({ dense }, i) => (i === text ? [] : [{ i, score: cosine(query, dense) }]));
    return new Set(
      scored
        .sort((a, b) => b.score - a.score || a.i - b.i)
        .slice(0, NEIGHBOURS)
        .map(({ i }) => i),
    );
  };
  const shares = expected.map((_, text) => {
    const found = nearest(actual, text);
    return [...nearest(expected, text)].filter((i) => found.has(i)).length / NEIGHBOURS;
  });
  return shares.reduce((sum, share) => sum + share, 0) / shares.length;
}
