import type { Derivation, Embedding, EmbeddingSpace, Head } from '@kimera/core';
import type { Embedder } from '@kimera/embedder';
import type { Request, Response } from 'express';
import { z } from 'zod';
import type { AppParts } from '../../app-parts.js';
import { callerOf } from '../../http/admission/caller.js';
import { embedInput } from '../../http/embedding/embed-input.js';
import { optional, truncationDirection } from '../../http/fields/optional.js';
import type { Input } from '../../http/fields/parse-input.js';
import { measureOf, setComputeHeaders } from '../../http/answers/request-measure.js';
import { checkSpace, describeSpace } from '../../http/answers/space-headers.js';
import { roleNamed } from '../../http/fields/role-named.js';
import { TokenLimit } from '../../http/embedding/token-limit.js';

export const TEI = 'text-embeddings-inference';

/** Fields of every route that embeds texts. */
export const TEXT_FIELDS = {
  truncate: optional(z.boolean()),
  truncation_direction: truncationDirection,
  prompt_name: optional(z.string()),
};

export interface TextFields {
  readonly truncate: boolean | undefined;
  readonly truncation_direction: 'left' | 'right' | undefined;
  readonly prompt_name: string | undefined;
}

export interface EmbedOptions {
  readonly fields: TextFields;
  readonly heads: readonly Head[];
  readonly derivation?: Derivation;
  /** Reads the inputs once the limit of the model is known. */
  readonly input: (tokenLimit: TokenLimit) => Input;
}

/**
 * The model that the server is for, or the one whose vectors are of the space that the header asks for. @throws
 * SpaceNotServedError, ModelUnavailableError.
 */
export async function modelFor(
  request: Request,
  models: AppParts['models'],
  derivation?: Derivation,
): Promise<{ readonly embedder: Embedder; readonly space: EmbeddingSpace }> {
  const asked = request.get('x-embedding-space');
  if (asked === undefined) return { embedder: models.usual, space: await models.usual.spaceOf(derivation) };
  const spaces = await Promise.all(models.all.map((embedder) => spaceOf(embedder, derivation)));
  const embedder = models.all[spaces.indexOf(asked)] ?? models.inSpace(asked);
  const space = await embedder.spaceOf(derivation);
  checkSpace(request, space);
  return { embedder, space };
}

/** The fingerprint; undefined where the model has no such space. */
async function spaceOf(embedder: Embedder, derivation: Derivation | undefined): Promise<string | undefined> {
  return embedder.spaceOf(derivation).then(
    ({ fingerprint }) => fingerprint,
    () => undefined,
  );
}

/** Embeds the inputs of a request, and sets the headers of its answer. */
export async function embedForTei(
  { models, autoTruncate, maxInputTokens }: AppParts,
  { fields, heads, derivation, input }: EmbedOptions,
  request: Request,
  response: Response,
): Promise<readonly Embedding[]> {
  const { embedder, space } = await modelFor(request, models, derivation);
  const tokenLimit = new TokenLimit({
    param: 'inputs',
    modelTokens: space.maxTokens,
    bound: maxInputTokens,
    truncate: fields.truncate ?? autoTruncate,
    tooLong: (limit, actual) => `\`inputs\` must have less than ${limit} tokens. Given: ${actual}`,
  });
  const embeddings = await embedInput(embedder, input(tokenLimit), {
    role: roleNamed(space, fields.prompt_name, 'prompt_name'),
    heads,
    ...(derivation === undefined ? {} : { derivation }),
    truncationSide: fields.truncation_direction,
    tokenLimit,
    ...callerOf(response),
    measure: measureOf(response),
  });
  describeSpace(response, space, embeddings);
  setComputeHeaders(response);
  return embeddings;
}
