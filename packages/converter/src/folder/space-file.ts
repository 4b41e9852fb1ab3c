import {
  norm,
  spaceFingerprint,
  type EncodeOptions,
  type Head,
  type Role,
  type SpaceIdentity,
  type Tokenizer,
} from '@kimera/core';
import { encodeVector, SPACE_FILE_SCHEMA, type ModelFolder, type SpaceFile } from '@kimera/model-folder';
import { dimensionOf, endsNormalized, unusualModules } from '../model/module-weights.js';
import { unusualEncoder } from './encoder-identity.js';
import type { CheckpointModel } from '../model/checkpoint-model.js';
import { positionLimit, type ReferenceOutput, type ReferenceText } from '@kimera/reference-encoder';
import type { BaseVariant } from '../weights/weight-form.js';
import { fidelityOf, runTexts } from '../fidelity/fidelity.js';
import type { OpenBackend } from '../fidelity/fidelity.js';
import { referenceText, tokenBudget, withinBudget } from '../fidelity/reference-texts.js';
import { FIDELITY_TEXTS, PROBE_TEXTS } from '../fidelity/texts.js';

interface ChosenText {
  readonly text: string;
  readonly role: Role | null;
  readonly tokens: ReferenceText;
}

/**
 * Texts that go through the forward pass: probes, whose vectors are recorded, and others on which fidelity is measured.
 */
export interface ReferenceTexts {
  readonly probes: readonly ChosenText[];
  readonly held: readonly ChosenText[];
}

/** Chooses the texts. Where not all fit into the budget, probes and held-out texts get half of it each. */
export function referenceTexts(
  model: CheckpointModel,
  tokenizer: Tokenizer,
  limit: EncodeOptions,
  reference: 'quick' | 'thorough',
): ReferenceTexts {
  const { prompts } = model.checkpoint;
  const choose = (texts: typeof PROBE_TEXTS): readonly ChosenText[] =>
    texts
      .map(({ text, role }) => ({
        text,
        role,
        tokens: referenceText(tokenizer, role === null ? '' : prompts[role], text, limit),
      }))
      // A tokenizer without special tokens gives none for an empty text; one beyond the positions has no vector.
      .filter(({ tokens: { ids } }) => ids.length > 0 && ids.length <= positionLimit(model.shape));
  const [probes, held] = [choose(PROBE_TEXTS), choose(FIDELITY_TEXTS.map((text) => ({ text, role: null })))];
  const budget = reference === 'thorough' ? Infinity : tokenBudget(model);
  return { probes: withinBudget(probes, budget / 2), held: withinBudget(held, budget / 2) };
}

export interface SpaceFileParts {
  readonly modelId: string;
  readonly weightsHash: string;
  readonly tokenizerHash: string;
  readonly maxTokens: number;
  readonly texts: ReferenceTexts;
  /** Of the probes, then of the held-out texts. */
  readonly outputs: readonly ReferenceOutput[];
  readonly variant: BaseVariant;
  readonly files: SpaceFile['files'];
}

/** space.json, the base variant not measured yet. */
export async function spaceFile(
  model: CheckpointModel,
  { modelId, weightsHash, tokenizerHash, maxTokens, texts, outputs, variant, files }: SpaceFileParts,
): Promise<SpaceFile> {
  const { checkpoint, shape } = model;
  const {
    modules,
    heads: tokenHeads,
    prompts,
    defaultRole,
    namedPrompts,
    truncationSide,
    similarity,
    ignored,
    trainedDimensions,
  } = checkpoint;
  const chain = unusualModules(modules, shape.hiddenSize);
  const encoder = unusualEncoder(shape);
  const identity: SpaceIdentity = {
    weights: weightsHash,
    tokenizer: tokenizerHash,
    maxTokens,
    pooling: modules.pooling,
    normalize: endsNormalized(modules, shape.hiddenSize),
    prompts,
    dimension: dimensionOf(modules, shape.hiddenSize),
    ...(modules.promptPooling === 'excluded' ? { promptPooling: 'excluded' } : {}),
    ...(defaultRole === undefined ? {} : { defaultRole }),
    ...(Object.keys(namedPrompts).length === 0 ? {} : { namedPrompts }),
    ...(truncationSide === 'right' ? {} : { truncationSide }),
    ...(chain === undefined ? {} : { modules: chain }),
    ...(encoder === undefined ? {} : { encoder }),
  };
  const trained = trainedDimensions.filter((size) => size < identity.dimension);
  const heads: Head[] = [
    'dense',
    ...(tokenHeads.sparse === undefined ? [] : ['sparse' as const]),
    ...(tokenHeads.colbert === undefined ? [] : ['colbert' as const]),
  ];
  return {
    schema: SPACE_FILE_SCHEMA,
    modelId,
    fingerprint: await spaceFingerprint(identity),
    identity: {
      ...identity,
      pooling: [...identity.pooling],
      prompts: { query: identity.prompts.query, document: identity.prompts.document },
    },
    heads,
    ...(positionLimit(shape) < maxTokens ? { positions: positionLimit(shape) } : {}),
    ...(similarity === undefined ? {} : { similarity }),
    ...(trained.length === 0 ? {} : { trainedDimensions: trained }),
    ...(ignored.length === 0 ? {} : { ignored: [...ignored] }),
    ...(tokenHeads.sparse === undefined ? {} : { sparse: { ignoredIds: [...tokenHeads.sparse.ignoredIds] } }),
    ...(tokenHeads.colbert === undefined ? {} : { colbert: tokenHeads.colbert }),
    architecture: {
      type: shape.type,
      layers: shape.layers,
      hiddenSize: shape.hiddenSize,
      attentionHeads: shape.attentionHeads,
      vocabularySize: shape.vocabularySize,
    },
    variants: [
      {
        name: variant,
        fidelity: { minCosine: 0, meanCosine: 0, maxAbs: 0, texts: 0 },
        graphs: { portable: 'onnx/model.onnx', fast: 'onnx/model_fast.onnx' },
      },
    ],
    files,
    probes: texts.probes.map((probe, i) => probeEntry(probe, outputs[i], identity)),
  };
}

function probeEntry(
  { text, role, tokens: { ids, promptTokens } }: ChosenText,
  output: ReferenceOutput | undefined,
  { promptPooling }: SpaceIdentity,
): SpaceFile['probes'][number] {
  const { dense = new Float32Array(), pooled, sparse, colbert } = output ?? {};
  return {
    text,
    role,
    ids: Array.from(ids),
    ...(promptPooling === undefined ? {} : { promptTokens }),
    dense: encodeVector(dense),
    // Of float64 sums: seven digits do not depend on the processor.
    ...(pooled === undefined ? {} : { norm: Number(norm(pooled).toPrecision(7)) }),
    ...(sparse === undefined ? {} : { sparse: [...sparse] }),
    ...(colbert === undefined ? {} : { colbert: encodeVector(colbert) }),
  };
}

/** The base variant with its fidelity to the forward pass on the held-out texts. */
export async function measureBase(
  folder: ModelFolder,
  variant: BaseVariant,
  openBackend: OpenBackend,
  { texts: { probes, held }, outputs }: Pick<SpaceFileParts, 'texts' | 'outputs'>,
): Promise<SpaceFile['variants'][number]> {
  const [entry] = folder.file.variants;
  if (entry === undefined) throw new Error('a folder has a base variant');
  const backend = await openBackend(folder, variant);
  try {
    return {
      ...entry,
      fidelity: fidelityOf(
        await runTexts(
          backend,
          held.map(({ tokens }) => tokens),
        ),
        outputs.slice(probes.length),
        6,
      ),
    };
  } finally {
    await backend.close();
  }
}
