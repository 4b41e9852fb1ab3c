import { InvalidTokenizerError } from '../errors.js';
import type { AddedTokenEntry } from './special-tokens.js';

/** UTF-8, strictly; a byte order mark stays, as in Python. @throws InvalidTokenizerError. */
export function decodeText(bytes: Uint8Array, source: string, file: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes).replace(/\r\n?/g, '\n');
  } catch {
    throw new InvalidTokenizerError(source, file, 'not UTF-8');
  }
}

export interface TokenizerJsonParts {
  readonly addedTokens: readonly AddedTokenEntry[];
  readonly normalizer: object | null;
  readonly preTokenizer: object;
  readonly postProcessor: object;
  readonly decoder: object;
  readonly model: object;
}

/** The text of a tokenizer.json. */
export function tokenizerJson(parts: TokenizerJsonParts): string {
  return JSON.stringify({
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: parts.addedTokens,
    normalizer: parts.normalizer,
    pre_tokenizer: parts.preTokenizer,
    post_processor: parts.postProcessor,
    decoder: parts.decoder,
    model: parts.model,
  });
}

type Special = readonly [content: string, id: number];

/**
 * The template `cls A sep`, and for pairs `cls A sep B sep` or `cls A sep sep B sep`.
 * @param secondType the type id of what belongs to B.
 */
export function template(cls: Special, sep: Special, pair: 'one sep' | 'two seps', secondType: 0 | 1): object {
  const special = ([id]: Special, type: number): object => ({ SpecialToken: { id, type_id: type } });
  const sequence = (id: string, type: number): object => ({ Sequence: { id, type_id: type } });
  const single = [special(cls, 0), sequence('A', 0), special(sep, 0)];
  const between = pair === 'two seps' ? [special(sep, 0)] : [];
  return {
    type: 'TemplateProcessing',
    single,
    pair: [...single, ...between, sequence('B', secondType), special(sep, secondType)],
    special_tokens: Object.fromEntries(
      [cls, sep].map(([token, id]) => [token, { id: token, ids: [id], tokens: [token] }]),
    ),
  };
}
