import type { DerivedDtype, Embedding, Head } from '@kimera/core';
import type { Request, Response } from 'express';
import { z } from 'zod';
import type { AppParts } from '../../app-parts.js';
import { SPACE_HEADERS } from '../../http/answers/space-headers.js';
import { MAX_INPUTS } from '../../http/limits.js';
import { inputField, parseInput } from '../../http/fields/parse-input.js';
import { post, type Route } from '../../http/route.js';
import { sendRows } from '../../http/answers/send-rows.js';
import { denseText, derivationOf, VECTOR_FIELDS } from '../../http/answers/vector-text.js';
import { embedForTei, TEI, TEXT_FIELDS, type TextFields } from './request.js';

const inputsSchema = z.object({ inputs: inputField(MAX_INPUTS.tei), ...TEXT_FIELDS });
const { normalize, dimensions, output_dtype } = VECTOR_FIELDS;
const embedSchema = inputsSchema.extend({ normalize, dimensions, output_dtype });

/** POST /embed and /, /embed_sparse. */
export function teiEmbedRoutes(parts: AppParts): readonly Route[] {
  /** An answer with one item for each input: what `row` makes of its embedding. */
  const answer =
    (head: Head, row: (embedding: Embedding) => unknown) =>
    async (
      body: TextFields & {
        readonly inputs: unknown;
        readonly normalize?: boolean;
        readonly dimensions?: number | undefined;
        readonly output_dtype?: 'float' | DerivedDtype;
      },
      request: Request,
      response: Response,
    ): Promise<void> => {
      const embeddings = await embedForTei(
        parts,
        {
          fields: body,
          heads: [head],
          derivation: derivationOf(body),
          input: (tokenLimit) =>
            parseInput(body.inputs, {
              param: 'inputs',
              maxItems: MAX_INPUTS.tei,
              tokenLimit,
              empty: '`inputs` cannot be empty',
              tooMany: (limit, actual) => `\`inputs\` must have at most ${limit} items. Given: ${actual}`,
            }),
        },
        request,
        response,
      );
      await sendRows(response, { before: '[', after: ']', items: embeddings, row });
    };

  return [
    post({
      paths: ['/embed', '/'],
      tag: TEI,
      summary: 'Dense vectors of texts and token ids',
      headers: SPACE_HEADERS,
      body: embedSchema,
      answer: z.array(z.array(z.number())),
      handle: answer('dense', (embedding) => denseText(embedding, 'float')),
    }),
    post({
      paths: ['/embed_sparse'],
      tag: TEI,
      summary: 'Token ids and their weights, of a model that has the sparse head',
      headers: SPACE_HEADERS,
      body: inputsSchema,
      answer: z.array(z.array(z.object({ index: z.int(), value: z.number() }))),
      handle: answer('sparse', ({ sparse = new Map<number, number>() }) =>
        [...sparse].map(([index, value]) => ({ index, value })).sort((a, b) => a.index - b.index),
      ),
    }),
  ];
}
