import { UnsupportedModelError } from '@kimera/tensor-file';
import type { Architecture } from './architecture.js';
import { bert } from './bert-family.js';
import { camembert } from './camembert.js';
import { distilbert } from './distilbert.js';
import { electra } from './electra.js';
import { mpnet } from './mpnet.js';
import { notReadReason } from './not-read.js';
import { roberta, xlmRoberta } from './roberta-family.js';

/** The families of encoders. */
export const ARCHITECTURES: readonly Architecture[] = [
  bert,
  xlmRoberta,
  roberta,
  distilbert,
  camembert,
  electra,
  mpnet,
];

/** The architecture that config.json names. @throws UnsupportedModelError. */
export function architectureOf(checkpoint: { readonly config: Readonly<Record<string, unknown>> }): Architecture {
  const modelType = checkpoint.config['model_type'];
  const architecture = ARCHITECTURES.find((candidate) => candidate.modelType === modelType);
  if (architecture === undefined)
    throw new UnsupportedModelError(
      'model_type',
      modelType === undefined ? 'missing' : typeof modelType === 'string' ? modelType : JSON.stringify(modelType),
      ARCHITECTURES.map((candidate) => candidate.modelType),
      notReadReason(modelType),
    );
  return architecture;
}
