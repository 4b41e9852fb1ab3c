import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { KimeraError, type Fidelity, type Head, type Tokenizer } from '@kimera/core';
import type { ModelFolder, SpaceFile } from '@kimera/model-folder';
import { FidelityError } from '../errors/checkpoint-errors.js';
import { calibrate } from '../int8/calibrate.js';
import type { Int8Levels } from '../int8/quantize-matrix.js';
import { findWorstMatrix } from '../int8/worst-matrix.js';
import { INT8_GRAPH, INT8_SELF_TEST, writeInt8 } from '../int8/write-int8.js';
import type { ReferenceModel } from '../reference/reference-model.js';
import type { GraphWeights } from '../weights/graph-weights.js';
import type { CopyProgress } from './copy-weights.js';
import { fidelityOf, runTexts } from './fidelity.js';
import type { OpenBackend } from './open-backend.js';
import { calibrationFile, readLines } from './read-lines.js';
import { referenceText } from './reference-texts.js';

export interface Int8Options {
  /** File of texts, one a line, that activations are measured on; default: 240 sentences in 20 languages. */
  readonly calibration?: string;
  /** Worse results are refused; default mean .995, min .98. */
  readonly floor?: { readonly meanCosine: number; readonly minCosine: number };
}

const FLOOR = { meanCosine: 0.995, minCosine: 0.98 };
/** Texts on which a failure is explained: every matrix takes a model of its own. */
const EXPLAINED_TEXTS = 12;

interface Parts extends CopyProgress {
  readonly weights: GraphWeights;
  readonly tokenizer: Tokenizer;
  readonly openBackend: OpenBackend;
  readonly int8: Int8Options;
  readonly onPhase?: (phase: string) => void;
}

/**
 * Writes the 8-bit variant and measures it against the base one on held-out texts: 8-bit weights, or 7-bit ones where this processor's products of 8 bits
 * saturate. @throws FidelityError below the floor, naming the matrix to blame.
 */
export async function addInt8Variant(model: ReferenceModel, folder: ModelFolder, parts: Parts): Promise<SpaceFile['variants'][number]> {
  const { weights, tokenizer, openBackend, int8, onPhase, signal } = parts;
  const { floor = FLOOR } = int8;
  const tokens = (text: string) => referenceText(tokenizer, '', text, folder.space.maxTokens);
  const texts = (await readLines(calibrationFile('held-out.txt'))).map(tokens);
  onPhase?.('measuring activations');
  const activations = await calibrate(model, { folder, weights, openBackend, tokenizer, texts: await readLines(int8.calibration ?? calibrationFile('calibration.txt')), signal });
  const full = await openBackend(folder, folder.file.variants[0]?.name ?? 'fp32');
  const expected = await runTexts(full, texts).finally(() => full.close());
  for (const levels of [127, 63] as const) {
    const file = await writeInt8(model, folder.path, activations, levels, parts);
    onPhase?.('measuring the 8-bit variant');
    const variant = await provisional(folder, levels);
    const backend = await openBackend({ ...folder, file: { ...folder.file, variants: [variant] } }, 'int8').catch((error: unknown) => {
      if (levels === 127 && error instanceof KimeraError && error.code === 'INT8_SATURATION') return undefined;
      throw error;
    });
    if (backend === undefined) continue;
    const fidelity = fidelityOf(await runTexts(backend, texts).finally(() => backend.close()), expected, 4);
    const failed = headBelow(fidelity, floor);
    if (failed === undefined) return { ...variant, fidelity };
    onPhase?.('looking for the matrix to blame');
    const { matrix, alone } = await findWorstMatrix(model, { folder, base: weights, int8: file, openBackend, texts: texts.slice(0, EXPLAINED_TEXTS), expected: expected.slice(0, EXPLAINED_TEXTS) });
    throw new FidelityError(failed.head, failed.meanCosine, failed.minCosine, floor.meanCosine, floor.minCosine, matrix, alone);
  }
  throw new Error('7-bit products saturated');
}

/** Before it is measured. 7-bit products saturate nowhere: no self-test then. */
async function provisional(folder: ModelFolder, levels: Int8Levels): Promise<SpaceFile['variants'][number]> {
  if (levels === 63) await rm(join(folder.path, INT8_SELF_TEST));
  return { name: 'int8', fidelity: { minCosine: 0, meanCosine: 0, maxAbs: 0, texts: 0 }, graphs: { fast: INT8_GRAPH, ...(levels === 63 ? {} : { selfTest: INT8_SELF_TEST }) } };
}

function headBelow(fidelity: Fidelity, floor: { readonly meanCosine: number; readonly minCosine: number }): { readonly head: Head; readonly meanCosine: number; readonly minCosine: number } | undefined {
  const heads = [{ head: 'dense' as const, ...fidelity }, ...(['sparse', 'colbert'] as const).flatMap((head) => (fidelity.heads?.[head] === undefined ? [] : [{ head, ...fidelity.heads[head] }]))];
  return heads.find(({ meanCosine, minCosine }) => meanCosine < floor.meanCosine || minCosine < floor.minCosine);
}
