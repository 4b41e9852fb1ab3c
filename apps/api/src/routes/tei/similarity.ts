import { cosine } from '@kimera/core';
import { z } from 'zod';
import type { AppParts } from '../../app-parts.js';
import { SPACE_HEADERS } from '../../http/answers/space-headers.js';
import { HttpError } from '../../errors.js';
import { optional } from '../../http/fields/optional.js';
import { MAX_INPUTS } from '../../http/limits.js';
import { parseInput } from '../../http/fields/parse-input.js';
import { post, type Route } from '../../http/route.js';
import { embedForTei, TEI, TEXT_FIELDS } from './request.js';

const requestSchema = z.object({
  inputs: z.object({ source_sentence: z.string(), sentences: z.array(z.string()) }),
  parameters: optional(z.object(TEXT_FIELDS)),
});
const NOTHING = { truncate: undefined, truncation_direction: undefined, prompt_name: undefined };

/** POST /similarity: cosines of a text to others. */
export function teiSimilarityRoutes(parts: AppParts): readonly Route[] {
  return [
    post({
      paths: ['/similarity'],
      tag: TEI,
      summary: 'Cosines of a text to others',
      headers: SPACE_HEADERS,
      body: requestSchema,
      answer: z.array(z.number()),
      handle: async ({ inputs: { source_sentence, sentences }, parameters }, request, response) => {
        if (sentences.length === 0)
          throw new HttpError('empty_input', '`inputs.sentences` cannot be empty', 'inputs.sentences');
        const [source, ...others] = await embedForTei(
          parts,
          {
            fields: parameters ?? NOTHING,
            heads: ['dense'],
            input: (tokenLimit) =>
              parseInput([source_sentence, ...sentences], {
                param: 'inputs',
                maxItems: MAX_INPUTS.tei + 1,
                tokenLimit,
                empty: '`inputs.sentences` cannot be empty',
                tooMany: (limit, actual) =>
                  `\`inputs.sentences\` must have at most ${limit - 1} items. Given: ${actual - 1}`,
              }),
          },
          request,
          response,
        );
        response.json(others.map(({ dense }) => cosine(source?.dense ?? [], dense ?? [])));
      },
    }),
  ];
}
