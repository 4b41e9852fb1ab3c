import {
  Int8SaturationError,
  ProbeMismatchError,
  ProbeNormError,
  type VariantChoice,
  type VariantName,
} from '@kimera/core';
import { chooseVariant, type ModelFolder, openModelFolder, type SpaceFileVariant } from '@kimera/model-folder';

/** The least cosine that `fast` takes, of the texts that the conversion measured; the conversion aims at the same. */
export const FAST_MIN_COSINE = 0.998;

/** The variants that may serve, the wanted one first. @throws UnknownVariantError where the folder lacks the one that is named. */
export function variantsOf(
  folder: ModelFolder,
  choice: VariantChoice,
): readonly [SpaceFileVariant, ...SpaceFileVariant[]] {
  if (choice !== 'fast') return [chooseVariant(folder, choice === 'full' ? undefined : choice)];
  const first = chooseVariant(folder);
  const fast = folder.file.variants.find(
    ({ name, fidelity }) => name === 'int8' && fidelity.minCosine >= FAST_MIN_COSINE,
  );
  return fast === undefined || fast === first ? [first] : [fast, first];
}

/**
 * Before any backend is tried, so that the mistake has one error. @throws UnknownVariantError where a variant is named that the
 * folder lacks, the folder's errors.
 */
export async function checkVariant(path: string, choice: VariantChoice): Promise<void> {
  if (isNamed(choice)) variantsOf(await openModelFolder(path), choice);
}

export function isNamed(choice: VariantChoice): choice is VariantName {
  return choice !== 'fast' && choice !== 'full';
}

/** Whether it is this machine that cannot compute a variant as it was measured: another of the folder may serve. */
export function isWrongHere(error: unknown): error is Error {
  return error instanceof Int8SaturationError || error instanceof ProbeMismatchError || error instanceof ProbeNormError;
}
