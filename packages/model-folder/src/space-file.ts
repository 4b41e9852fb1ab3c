import { HEADS, type Pooling, POOLINGS, VARIANTS } from '@kimera/core';
import { z } from 'zod';
import { InvalidSpaceFileError } from './errors.js';

/** space.json's schema tag; readers refuse others. */
export const SPACE_FILE_SCHEMA = 'kimera-model/1';

const sha256 = z.string().regex(/^[0-9a-f]{64}$/, 'expected 64 lower-case hex digits');
const count = z.int().positive();
/** A path inside the folder: relative, forward slashes, no `..`. */
const localPath = z.string().regex(/^(?!\/)(?!.*(^|\/)\.\.?(\/|$))[^\\\0]+$/, 'expected a relative path without ..');
const base64 = z.base64();

export const identitySchema = z.strictObject({
  weights: sha256,
  tokenizer: sha256,
  maxTokens: count,
  pooling: z.array(z.enum(POOLINGS as [Pooling, ...Pooling[]])).min(1),
  normalize: z.boolean(),
  prompts: z.strictObject({ query: z.string(), document: z.string() }),
  dimension: count,
  promptPooling: z.literal('excluded').optional(),
  defaultRole: z.string().optional(),
  namedPrompts: z.record(z.string(), z.string()).optional(),
  truncationSide: z.literal('left').optional(),
  modules: z.array(z.string()).min(1).readonly().optional(),
  encoder: z
    .strictObject({
      attentionHeads: count.optional(),
      activation: z.string().optional(),
      layerNormEpsilon: z.number().positive().optional(),
      firstPosition: z.int().nonnegative().optional(),
    })
    .optional(),
});

const cosines = z.strictObject({ minCosine: z.number(), meanCosine: z.number() });
const fidelitySchema = z.strictObject({
  ...cosines.shape,
  maxAbs: z.number(),
  texts: z.int().nonnegative(),
  heads: z.strictObject({ sparse: cosines.optional(), colbert: cosines.optional() }).optional(),
  rankAgreement: z.number().optional(),
});

export const variantSchema = z.strictObject({
  name: z.enum(VARIANTS),
  /** Against the float64 forward pass of the checkpoint; of int8 against the base variant. */
  fidelity: fidelitySchema,
  /** Matrices of an int8 variant that stay in float32. */
  full: z.array(z.string()).optional(),
  graphs: z.strictObject({
    /** Of standard operators, for other libraries; int8 has none. */
    portable: localPath.optional(),
    fast: localPath,
    /**
     * A product that saturates on processors which cannot run the fast graph of int8: input a [1, 64] uint8 of 255,
     * output holds.
     */
    selfTest: localPath.optional(),
    /** The fast graph of int8 with unsigned weights: the same numbers, slower, exact where the self-test fails. */
    unsigned: localPath.optional(),
  }),
});

export const probeSchema = z.strictObject({
  text: z.string(),
  role: z.enum(['query', 'document']).nullable(),
  /** Prompt and special tokens included. */
  ids: z.array(z.int().nonnegative()).min(1),
  /** How many of them are the prompt's, [CLS] included; where the identity has `promptPooling`. */
  promptTokens: z.int().nonnegative().optional(),
  /** [D] little-endian float32 in base64, from the float64 forward pass. */
  dense: base64,
  /** L2 norm of the vector before it was divided by it; where a graph tells the vector before that. */
  norm: z.number().positive().optional(),
  /** Token id → weight > 0; where there is a sparse head. */
  sparse: z.array(z.tuple([z.int().nonnegative(), z.number().positive()])).optional(),
  /** [T - 1, C] little-endian float32 in base64; where there is a ColBERT head. */
  colbert: base64.optional(),
});

/** space.json: what a folder is, what its files must be, and texts with known vectors. */
export const spaceFileSchema = z.strictObject({
  schema: z.literal(SPACE_FILE_SCHEMA),
  modelId: z.string().min(1),
  fingerprint: sha256,
  identity: identitySchema,
  heads: z.array(z.enum(HEADS)).min(1),
  /** Tokens that the model has positions for, where that is fewer than the identity's `maxTokens`. */
  positions: count.optional(),
  /** How its makers compare vectors, where they say it. */
  similarity: z.string().optional(),
  /** Numbers fewer than the dimension that the model was trained for, where its files name them. */
  trainedDimensions: z.array(count).optional(),
  /** Keys of the checkpoint's files that were passed over because the caller asked for it, each `FILE: KEY`. */
  ignored: z.array(z.string()).optional(),
  /** Token ids that have no lexical weight, wherever they stand; where there is a sparse head. */
  sparse: z.strictObject({ ignoredIds: z.array(z.int().nonnegative()) }).optional(),
  /** C; where there is a ColBERT head. */
  colbert: z.strictObject({ dimension: count }).optional(),
  architecture: z.strictObject({
    type: z.string(),
    layers: count,
    hiddenSize: count,
    attentionHeads: count,
    vocabularySize: count,
  }),
  variants: z.array(variantSchema).min(1),
  /** Every file of the folder but space.json, README and PROVENANCE: path → size in bytes and SHA-256. */
  files: z.record(localPath, z.strictObject({ bytes: z.int().nonnegative(), sha256 })),
  probes: z.array(probeSchema).min(1),
});

export type SpaceFile = z.infer<typeof spaceFileSchema>;
export type SpaceFileVariant = z.infer<typeof variantSchema>;
export type SpaceFileProbe = z.infer<typeof probeSchema>;

/**
 * SHA-256 that space.json records of a file, lower-case hex. @param path of the folder, for the message. @throws
 * InvalidSpaceFileError where nothing vouches for the file.
 */
export function recordedHash(path: string, files: SpaceFile['files'], name: string): string {
  const recorded = Object.hasOwn(files, name) ? files[name] : undefined;
  if (recorded === undefined)
    throw new InvalidSpaceFileError(path, `${name} is not among the files, so nothing vouches for it`);
  return recorded.sha256;
}
