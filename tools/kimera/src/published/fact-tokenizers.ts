import type { Tokenizer } from '@kimera/core';
import { parseTokenizer } from '@kimera/tokenizers';
import { z } from 'zod';
import type { FactTokenizer } from './published-facts.js';

const tokenizerSchema = z.looseObject({ pre_tokenizer: z.looseObject({ type: z.string() }) });

/**
 * tokenizer.json whose Metaspace comes after a split at white space; one without a Metaspace of its own splits already
 * and stays.
 */
function splitAtWhiteSpace(json: string): string {
  const tokenizer = tokenizerSchema.parse(JSON.parse(json));
  const { pre_tokenizer: own } = tokenizer;
  if (own.type !== 'Metaspace') return json;
  return JSON.stringify({
    ...tokenizer,
    pre_tokenizer: { type: 'Sequence', pretokenizers: [{ type: 'WhitespaceSplit' }, own] },
  });
}

/**
 * The folder's tokenizer in each way that facts ask for; the second is made when it is asked for, since a large
 * vocabulary takes a second.
 */
export class FactTokenizers {
  readonly #json: string;
  readonly #maxTokens: number;
  readonly #asFile: Tokenizer;
  #splitsAtWhiteSpace: Tokenizer | undefined;

  /**
   * @param json tokenizer.json. @param source for messages. @throws InvalidTokenizerError, UnsupportedTokenizerError.
   */
  constructor(json: string, source: string, maxTokens: number) {
    this.#json = json;
    this.#maxTokens = maxTokens;
    this.#asFile = parseTokenizer(json, source);
  }

  /** [T], special tokens included. */
  encode(text: string, tokenizer: FactTokenizer): Int32Array {
    return this.#get(tokenizer).encode(text, { maxTokens: this.#maxTokens }).ids;
  }

  /**
   * The ids of a text, without special tokens, by what each of them decodes to; where two decode to the same, the last.
   */
  idsByToken(text: string): ReadonlyMap<string, number> {
    const ids = [...this.encode(text, 'asFile')].filter((id) => !this.#asFile.isSpecial(id));
    return new Map(ids.map((id) => [this.#asFile.decode([id]), id]));
  }

  #get(tokenizer: FactTokenizer): Tokenizer {
    if (tokenizer === 'asFile') return this.#asFile;
    this.#splitsAtWhiteSpace ??= parseTokenizer(splitAtWhiteSpace(this.#json), 'tokenizer.json split at white space');
    return this.#splitsAtWhiteSpace;
  }
}
