import { detailedTokens, type TokenColumns } from '@kimera/core';
import { z } from 'zod';
import type { AppParts } from '../../app-parts.js';
import { SPACE_HEADERS } from '../../http/answers/space-headers.js';
import { HttpError } from '../../errors.js';
import { callerOf } from '../../http/admission/caller.js';
import { optional, withUsual } from '../../http/fields/optional.js';
import { MAX_INPUTS } from '../../http/limits.js';
import { idListsField, parseIdLists, parseTexts, textsField } from '../../http/fields/parse-input.js';
import { roleNamed } from '../../http/fields/role-named.js';
import { post, type Route } from '../../http/route.js';
import { sendPieces, sendRows } from '../../http/answers/send-rows.js';
import { modelFor, TEI } from './request.js';

const tokenizeSchema = z.object({
  inputs: textsField(MAX_INPUTS.tei),
  add_special_tokens: withUsual(z.boolean(), true),
  prompt_name: optional(z.string()),
});

const decodeSchema = z.object({
  ids: idListsField(MAX_INPUTS.tei),
  skip_special_tokens: withUsual(z.boolean(), true),
});

const tokensSchema = z.array(
  z.array(
    z.object({
      id: z.int(),
      text: z.string(),
      special: z.boolean(),
      start: z.int().nullable().describe('UTF-8 bytes before it'),
      stop: z.int().nullable().describe('UTF-8 bytes up to its end'),
    }),
  ),
);

/** POST /tokenize, POST /decode. */
export function teiTokenizeRoutes({ models }: AppParts): readonly Route[] {
  return [
    post({
      paths: ['/tokenize'],
      tag: TEI,
      summary: 'The tokens of texts, uncut, with their places in UTF-8 bytes',
      headers: { 'x-embedding-space': SPACE_HEADERS['x-embedding-space'] },
      body: tokenizeSchema,
      answer: tokensSchema,
      handle: async ({ inputs, add_special_tokens: addSpecialTokens, prompt_name }, request, response) => {
        const texts = parseTexts(inputs, 'inputs', MAX_INPUTS.tei);
        if (texts.length === 0) throw new HttpError('empty_input', '`inputs` cannot be empty', 'inputs');
        const { embedder, space } = await modelFor(request, models);
        const { signal } = callerOf(response);
        const promptName = roleNamed(space, prompt_name, 'prompt_name');
        const columns = await embedder.tokenizeDetailed(texts, { addSpecialTokens, promptName, signal });
        response.setHeader('x-embedding-space', space.fingerprint);
        await sendPieces(response, tokensText(columns));
      },
    }),
    post({
      paths: ['/decode'],
      tag: TEI,
      summary: 'The texts of lists of token ids',
      headers: { 'x-embedding-space': SPACE_HEADERS['x-embedding-space'] },
      body: decodeSchema,
      answer: z.array(z.string()),
      handle: async ({ ids, skip_special_tokens: skipSpecialTokens }, request, response) => {
        const { embedder, space } = await modelFor(request, models);
        const { signal } = callerOf(response);
        const lists = parseIdLists(ids, 'ids', MAX_INPUTS.tei);
        if (lists.length === 0) throw new HttpError('empty_input', '`ids` cannot be empty', 'ids');
        const texts = await embedder.decode(lists, { skipSpecialTokens, signal });
        response.setHeader('x-embedding-space', space.fingerprint);
        await sendRows(response, { before: '[', after: ']', items: texts, row: (text) => text });
      },
    }),
  ];
}

/** A text may have millions of tokens: they are made one by one. */
function* tokensText(texts: readonly TokenColumns[]): Generator<string> {
  yield '[';
  for (const [index, columns] of texts.entries()) {
    yield index === 0 ? '[' : ',[';
    let isFirst = true;
    for (const token of detailedTokens(columns)) {
      yield (isFirst ? '' : ',') + JSON.stringify(token);
      isFirst = false;
    }
    yield ']';
  }
  yield ']';
}
