import { UnsupportedModelError } from '@kimera/tensor-file';
import type { Checkpoint } from '../checkpoint/checkpoint.js';
import type { Architecture } from './architecture.js';
import { bert, roberta, xlmRoberta } from './bert-family.js';
import { distilbert } from './distilbert.js';

/** The families of encoders. */
const ARCHITECTURES: readonly Architecture[] = [bert, xlmRoberta, roberta, distilbert];

/** The architecture that config.json names. @throws UnsupportedModelError. */
export function architectureOf(checkpoint: Checkpoint): Architecture {
  const modelType = checkpoint.config['model_type'];
  const architecture = ARCHITECTURES.find((candidate) => candidate.modelType === modelType);
  if (architecture === undefined)
    throw new UnsupportedModelError(
      'model_type',
      String(modelType),
      ARCHITECTURES.map((candidate) => candidate.modelType),
    );
  return architecture;
}
