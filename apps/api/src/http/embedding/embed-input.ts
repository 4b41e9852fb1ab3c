import type { Derivation, Embedding, Head, Lane, PromptName } from '@kimera/core';
import type { Embedder } from '@kimera/embedder';
import { HttpError } from '../../errors.js';
import type { Caller } from '../admission/caller.js';
import { cutIds } from './cut-ids.js';
import { MAX_INTERACTIVE_INPUTS } from '../limits.js';
import type { Input } from '../fields/parse-input.js';
import type { RequestMeasure } from '../answers/request-measure.js';
import type { TokenLimit } from './token-limit.js';

export interface EmbedInputOptions extends Caller {
  /** Of texts; ids are taken as they are. */
  readonly role: PromptName | undefined;
  /** Default `['dense']`. */
  readonly heads?: readonly Head[];
  readonly derivation?: Derivation;
  /** Where texts beyond the limit are cut; default: where the space cuts them. */
  readonly truncationSide?: 'left' | 'right' | undefined;
  readonly tokenLimit: TokenLimit;
  readonly measure?: RequestMeasure;
}

/** Inputs as token ids. */
interface Tokens {
  readonly ids: readonly Int32Array[];
  readonly totalTokens: ArrayLike<number>;
  readonly promptTokens: number;
}

/**
 * Embeddings of any form of input, in order. @throws HttpError where a text is beyond the limit and may not be cut, the
 * embedder's errors.
 */
export async function embedInput(
  embedder: Embedder,
  input: Input,
  {
    role,
    heads = ['dense'],
    derivation,
    truncationSide,
    tokenLimit,
    signal,
    client,
    limits,
    measure,
  }: EmbedInputOptions,
): Promise<readonly Embedding[]> {
  const { requestInputs = input.length, requestTokens } = limits;
  if (input.length > requestInputs) throw tooMany('inputs', requestInputs, input.length);
  // Many texts are bulk work: they wait for those of requests with few.
  const lane: Lane = input.length > MAX_INTERACTIVE_INPUTS ? 'bulk' : 'interactive';
  const call = { lane, client, signal };
  const texts = input.filter((item) => typeof item === 'string');
  const lists = input.filter((item) => typeof item !== 'string');
  // What the model cannot give is refused before anything is counted.
  await embedder.spaceOf(derivation);
  const tokenizing = Promise.all([
    texts.length === 0 ? undefined : embedder.tokenize(texts, role, { ...call, truncationSide }),
    lists.length === 0 ? undefined : cutIds(embedder, lists, truncationSide),
  ]);
  const [ofTexts, ofLists] = await (measure?.timed('tokenization', tokenizing) ?? tokenizing);
  const counts = lists.map(({ length }) => length);
  tokenLimit.check(inOrderOf(input, Array.from(ofTexts?.totalTokens ?? []), counts));
  if (requestTokens !== undefined) {
    const tokens = [...(ofTexts?.ids ?? []), ...(ofLists ?? [])].reduce((sum, { length }) => sum + length, 0);
    if (tokens > requestTokens) throw tooMany('tokens', requestTokens, tokens);
  }
  // Two calls: only texts have the tokens of a prompt at their head.
  const encode = async (tokens: Tokens | undefined): Promise<readonly Embedding[]> => {
    if (tokens === undefined) return [];
    const { ids, ...rest } = tokens;
    return embedder.encodeTokens(ids, { heads, derivation, onTimes: measure?.onTimes, ...call, ...rest });
  };
  const [embeddedTexts, embeddedLists] = await Promise.all([
    encode(ofTexts),
    encode(ofLists && { ids: ofLists, totalTokens: counts, promptTokens: 0 }),
  ]);
  const embeddings = inOrderOf(input, embeddedTexts, embeddedLists);
  measure?.embedded(embeddings, texts);
  return embeddings;
}

function tooMany(what: string, limit: number, actual: number): HttpError {
  const message = `the request has ${actual} ${what}, the limit is ${limit}: send several requests`;
  return new HttpError('request_too_large', message, null, { limit, actual });
}

/** What the texts and the lists of the input became, in the order of the input. */
function inOrderOf<Item>(input: Input, texts: readonly Item[], lists: readonly Item[]): readonly Item[] {
  if (lists.length === 0) return texts;
  let text = 0;
  let list = 0;
  return input.map((item) => (typeof item === 'string' ? texts[text++] : lists[list++]) as Item);
}
