import { identitySchema, probeSchema, spaceFileSchema, variantSchema } from '@kimera/model-folder/pure';
import { z } from 'zod';

/** The schema tag of a static model's space.json; readers refuse others. */
export const STATIC_SPACE_SCHEMA = 'kimera-static/1';

const { modelId, fingerprint, files } = spaceFileSchema.shape;

/**
 * space.json of a static model. Beside it the folder is one of model2vec: config.json, modules.json, tokenizer.json and
 * model.safetensors with the tensors `embeddings` [V, D] and `weights` [V].
 */
export const staticSpaceFileSchema = z.strictObject({
  schema: z.literal(STATIC_SPACE_SCHEMA),
  modelId,
  fingerprint,
  /** `weights` is the digest of the table in float32, also where the folder has it in 8 bits. */
  identity: identitySchema,
  variant: z.strictObject({
    name: z.enum(['fp32', 'fp16', 'int8']),
    /** Of the vectors to those of the table in float32. */
    fidelity: variantSchema.shape.fidelity,
  }),
  /** The model whose vectors the table was made from, and how; for people. */
  teacher: z
    .strictObject({
      modelId: z.string(),
      space: fingerprint,
      recipe: z.record(z.string(), z.union([z.string(), z.number()])),
    })
    .optional(),
  files,
  /** Vectors from the table in float32. */
  probes: z.array(probeSchema).min(1),
});

export type StaticSpaceFile = z.infer<typeof staticSpaceFileSchema>;
