import { cosine, type Fidelity, type Head, type InferenceBackend, type Tokenizer, tokenLimit } from '@kimera/core';
import type { ModelFolder, SpaceFile } from '@kimera/model-folder';
import { groupElements } from '../model/weight-plan.js';
import { FidelityError } from '../errors.js';
import { calibrate } from './calibrate.js';
import { rankMatrices, type MatrixCost } from './rank-matrices.js';
import { textBeginnings } from './text-beginnings.js';
import { INT8_GRAPH, INT8_SELF_TEST, INT8_UNSIGNED_GRAPH, isQuantized, writeInt8 } from './write-int8.js';
import type { CheckpointModel } from '../model/checkpoint-model.js';
import type { ReferenceText } from '@kimera/reference-encoder';
import type { GraphWeights } from '../weights/graph-weights.js';
import type { BaseVariant } from '../weights/weight-form.js';
import type { WeightFile } from '../weights/weight-file.js';
import type { CopyProgress } from '../weights/copy-weights.js';
import { fidelityOf, runDense, runTexts, type HeadOutputs } from '../fidelity/fidelity.js';
import type { OpenBackend } from '../fidelity/fidelity.js';
import { referenceText } from '../fidelity/reference-texts.js';

interface Cosines {
  readonly meanCosine: number;
  readonly minCosine: number;
}

export interface Int8Options {
  /** File of texts, one a line, that activations are measured on; default: 240 sentences in 20 languages. */
  readonly calibration?: string;
  /** Worse results are refused; default `INT8_FLOOR`. */
  readonly floor?: Cosines;
  /**
   * If the calibration texts, or for the least cosine also their beginnings, are below it, some matrices stay in
   * full precision; default `INT8_AIM`.
   */
  readonly aim?: Cosines;
}

/** Default of `Int8Options.floor`; measured on two models in benchmarks/results/2026-11-30-int8-fidelity.md. */
export const INT8_FLOOR = { meanCosine: 0.995, minCosine: 0.98 };
/** Default of `Int8Options.aim`; docs/decisions/2026-11-28-int8-sensitive-texts.md. */
export const INT8_AIM = { meanCosine: 0.9993, minCosine: 0.998 };
/**
 * Largest share of the matrices' weights that stays in full precision, where they take two to three times the time.
 */
export const FULL_SHARE = 0.25;
/** Texts on which the matrices are compared; few, since a model is loaded for every matrix. */
const RANKED_TEXTS = 24;
/**
 * Beginnings of calibration texts that are embedded at most. In multilingual-e5-small one in 800 has a vector that
 * depends strongly on small errors: three of these.
 */
const BEGINNINGS = 2_400;
/**
 * Multiplications that embedding the beginnings may take: about twenty seconds of two cores of 2025. A large model gets
 * fewer beginnings.
 */
const BEGINNINGS_MULTIPLICATIONS = 1e12;
/** Average number of tokens. */
const TOKENS_OF_A_BEGINNING = 8;

interface Parts extends CopyProgress {
  /** Of the base variant. */
  readonly variant: BaseVariant;
  readonly weights: GraphWeights;
  readonly tokenizer: Tokenizer;
  readonly openBackend: OpenBackend;
  readonly int8: Int8Options;
  /** Texts that activations are measured on. */
  readonly calibration: readonly string[];
  /** Texts that the variant is measured on. */
  readonly heldOut: readonly string[];
  readonly onPhase?: (phase: string) => void;
}

/**
 * Writes the 8-bit variant and measures it against the base one on held-out texts, with exact products on every
 * processor.
 * Where the mean over calibration texts misses the aim, the matrices that cost most stay in full precision. Where only
 * single texts do, their vectors depend strongly on small errors, and the later layers enlarge an early error: then the
 * first matrices stay so, as few as reach the aim (docs/decisions/2026-11-28-int8-sensitive-texts.md).
 * @throws FidelityError below the floor, with the matrix that costs most.
 */
export async function addInt8Variant(
  model: CheckpointModel,
  folder: ModelFolder,
  parts: Parts,
): Promise<SpaceFile['variants'][number]> {
  const { variant, weights, tokenizer, openBackend, int8, calibration, heldOut, onPhase, signal } = parts;
  const { floor = INT8_FLOOR, aim = INT8_AIM } = int8;
  const tokens = (text: string): ReferenceText => referenceText(tokenizer, '', text, tokenLimit(folder.space));
  const held = heldOut.map(tokens);
  const ranked = spread(calibration, RANKED_TEXTS).map(tokens);
  onPhase?.('measuring activations');
  const statistics = await calibrate(model, { folder, weights, openBackend, tokenizer, texts: calibration, signal });
  const base = await openBackend(folder, folder.file.variants[0]?.name ?? 'fp32');
  onPhase?.('computing vectors to compare with');
  const beginnings = textBeginnings(
    calibration,
    Math.min(BEGINNINGS, Math.ceil(BEGINNINGS_MULTIPLICATIONS / (matrixElements(model) * TOKENS_OF_A_BEGINNING))),
  ).map(tokens);
  const [expected, expectedRanked, expectedBeginnings] = await Promise.all([
    runTexts(base, held),
    runTexts(base, ranked),
    runDense(base, beginnings),
  ]).finally(() => base.close());
  const open = (): Promise<InferenceBackend> =>
    openBackend({ ...folder, file: { ...folder.file, variants: [PROVISIONAL] } }, 'int8');
  const measure = async (
    opened: InferenceBackend,
    texts: readonly ReferenceText[],
    outputs: readonly HeadOutputs[],
  ): Promise<Fidelity> => fidelityOf(await runTexts(opened, texts), outputs, 4);
  const rank = (file: WeightFile): Promise<readonly MatrixCost[]> => {
    onPhase?.('looking for the matrices that cost most');
    return rankMatrices(model, {
      folder,
      base: weights,
      int8: file,
      openBackend,
      texts: ranked,
      expected: expectedRanked,
    });
  };
  /** Of what is on the disk now. */
  const judge = async (): Promise<Pick<Attempt, 'meanCosine' | 'error'>> => {
    const backend = await open();
    try {
      const { meanCosine: mean, minCosine } = await measure(backend, ranked, expectedRanked);
      if (mean < aim.meanCosine) return { meanCosine: mean, error: 'coarse' };
      const least = Math.min(minCosine, leastCosine(await runDense(backend, beginnings), expectedBeginnings));
      return { meanCosine: mean, error: least < aim.minCosine ? 'sensitive' : 'none' };
    } finally {
      await backend.close();
    }
  };
  const attempt = async (full: readonly string[]): Promise<Attempt> => {
    onPhase?.('writing and measuring the 8-bit variant');
    const made = { base: { variant, weights }, statistics, full: new Set(full) };
    const file = await writeInt8(model, folder.path, made, parts);
    return { full, file, ...(await judge()) };
  };
  let chosen = await attempt([]);
  let costs: readonly MatrixCost[] | undefined;
  if (chosen.error === 'coarse') {
    costs = await rank(chosen.file);
    chosen = await attempt(costliest(model, costs, 1 - chosen.meanCosine, 1 - aim.meanCosine));
  } else if (chosen.error === 'sensitive')
    for (const full of firstMatrices(model)) {
      chosen = await attempt(full);
      if (chosen.error === 'none') break;
    }
  const { full, file } = chosen;
  const written = await open();
  const fidelity = await measure(written, held, expected).finally(() => written.close());
  const failed = headBelow(fidelity, floor);
  if (failed === undefined) return { ...PROVISIONAL, fidelity, ...(full.length === 0 ? {} : { full: [...full] }) };
  const [worst = { matrix: 'none', minCosine: 1 }] = (costs ?? (await rank(file))).filter(
    ({ matrix }) => !full.includes(matrix),
  );
  throw new FidelityError(
    failed.head,
    failed.meanCosine,
    failed.minCosine,
    floor.meanCosine,
    floor.minCosine,
    worst.matrix,
    worst.minCosine,
  );
}

/** A variant as it was written, and how near it is. */
interface Attempt {
  readonly full: readonly string[];
  readonly file: WeightFile;
  /** Of few texts. */
  readonly meanCosine: number;
  /** `coarse`: the mean misses the aim; `sensitive`: only single texts do. */
  readonly error: 'coarse' | 'sensitive' | 'none';
}

/**
 * The matrices that cost most, until the rest of the error is small enough or the share is used up. The errors of
 * single matrices are taken to add up.
 */
function costliest(
  model: CheckpointModel,
  costs: readonly MatrixCost[],
  error: number,
  aim: number,
): readonly string[] {
  let left = error;
  const wanted = costs.filter(({ meanCosine }) => {
    const isWanted = left > aim;
    left -= 1 - meanCosine;
    return isWanted;
  });
  return withinShare(
    model,
    wanted.map(({ matrix }) => matrix),
  );
}

/** A third of the share's worth of first matrices, two thirds, and all of it. */
function firstMatrices(model: CheckpointModel): readonly (readonly string[])[] {
  const names = model.groups.filter(isQuantized).map(({ name }) => name);
  const choices = [1 / 3, 2 / 3, 1].map((part) => withinShare(model, names, part * FULL_SHARE));
  return choices.filter(({ length }, i) => length > (choices[i - 1]?.length ?? 0));
}

/** The first of the list that fit into a share of all weights, sorted. */
function withinShare(model: CheckpointModel, matrices: readonly string[], share = FULL_SHARE): readonly string[] {
  const sizes = new Map(model.groups.filter(isQuantized).map((group) => [group.name, groupElements(group)]));
  // Whole numbers: a third of a number of layers is one.
  let room = Math.ceil(share * matrixElements(model));
  const end = matrices.findIndex((matrix) => (room -= sizes.get(matrix) ?? 0) < 0);
  return matrices.slice(0, end < 0 ? matrices.length : end).sort();
}

function matrixElements(model: CheckpointModel): number {
  return model.groups.filter(isQuantized).reduce((sum, group) => sum + groupElements(group), 0);
}

function leastCosine(actual: readonly Float32Array[], expected: readonly Float32Array[]): number {
  return Math.min(...expected.map((vector, i) => cosine(vector, actual[i] ?? [])));
}

/** `count` texts, spread over the whole list. */
function spread(texts: readonly string[], count: number): readonly string[] {
  const step = Math.max(1, Math.floor(texts.length / count));
  return texts.filter((_, i) => i % step === 0).slice(0, count);
}

/** The variant before it is measured. */
const PROVISIONAL: SpaceFile['variants'][number] = {
  name: 'int8',
  fidelity: { minCosine: 0, meanCosine: 0, maxAbs: 0, texts: 0 },
  graphs: { fast: INT8_GRAPH, selfTest: INT8_SELF_TEST, unsigned: INT8_UNSIGNED_GRAPH },
};

function headBelow(
  fidelity: Fidelity,
  floor: Cosines,
): { readonly head: Head; readonly meanCosine: number; readonly minCosine: number } | undefined {
  const heads = [
    { head: 'dense' as const, ...fidelity },
    ...(['sparse', 'colbert'] as const).flatMap((head) =>
      fidelity.heads?.[head] === undefined ? [] : [{ head, ...fidelity.heads[head] }],
    ),
  ];
  return heads.find(({ meanCosine, minCosine }) => meanCosine < floor.meanCosine || minCosine < floor.minCosine);
}
