import { KimeraError, type Derivation, type Embedding, type Head, type PromptName } from '@kimera/core';
import type { Embedder } from '@kimera/embedder';
import { HttpError } from '../../errors.js';
import { embedInput, type EmbedInputOptions } from './embed-input.js';
import { toHttpError } from '../refusals/error-mapping.js';
import { parseItem, type Item } from '../fields/parse-input.js';
import type { HttpErrorCode } from '../refusals/refusals.js';
import { tooLong, TokenLimit } from './token-limit.js';

/** What an item became: its embedding, or why it has none. */
export type Encoded = Embedding | HttpError;

export interface EncodeItemsOptions extends Pick<
  EmbedInputOptions,
  'signal' | 'client' | 'limits' | 'measure' | 'truncationSide'
> {
  /** The field of the body that holds the items. */
  readonly param: string;
  readonly role: PromptName | undefined;
  readonly heads: readonly Head[];
  readonly derivation: Derivation;
  readonly truncate: boolean;
  /** Tokens of an input at most; the model's limit where undefined. */
  readonly bound: number | undefined;
}

/**
 * B items, each embedded or refused by itself: what is wrong with one does not fail the others. @throws what has nothing
 * to do with an item: errors of the options, of a busy or broken model.
 */
export async function encodeItems(
  embedder: Embedder,
  values: readonly unknown[],
  options: EncodeItemsOptions,
): Promise<readonly Encoded[]> {
  const encoded: Encoded[] = [];
  const right: { readonly item: Item; readonly index: number }[] = [];
  // Options that no item could be encoded with are refused as a whole.
  await embedder.encodeTokens([], { heads: options.heads, derivation: options.derivation, signal: options.signal });
  await embedder.tokenize([], options.role);
  values.forEach((value, index) => {
    const item = attempt(() => parseItem(value, options.param, index));
    if (item instanceof HttpError) encoded[index] = item;
    else right.push({ item, index });
  });
  const encodeSome = async (some: typeof right): Promise<void> => {
    if (some.length === 0) return;
    try {
      const embeddings = await embedSome(embedder, some, options);
      some.forEach(({ index }, i) => (encoded[index] = embeddings[i] as Embedding));
    } catch (error) {
      if (!isOfAnItem(error)) throw error;
      const [only] = some;
      if (some.length === 1 && only !== undefined) {
        encoded[only.index] = toHttpError(error, false);
        return;
      }
      // An error of the model does not always say which item it is of.
      const named = error.fields['index'];
      const at = typeof named === 'number' ? some.findIndex(({ index }) => index === named) : -1;
      const parts =
        at < 0
          ? [some.slice(0, some.length >> 1), some.slice(some.length >> 1)]
          : [some.slice(at, at + 1), some.toSpliced(at, 1)];
      for (const part of parts) await encodeSome(part);
    }
  };
  await encodeSome(right);
  return encoded;
}

function embedSome(
  embedder: Embedder,
  some: readonly { readonly item: Item; readonly index: number }[],
  {
    param,
    role,
    heads,
    derivation,
    truncate,
    truncationSide,
    bound,
    signal,
    client,
    limits,
    measure,
  }: EncodeItemsOptions,
): Promise<readonly Embedding[]> {
  const { maxTokens } = embedder.space;
  const tokenLimit = new TokenLimit({
    param,
    modelTokens: maxTokens,
    bound,
    truncate,
    indexes: some.map(({ index }) => index),
    tooLong: (limit, actual) => tooLong('the input', limit, actual, maxTokens),
  });
  return embedInput(
    embedder,
    some.map(({ item }) => item),
    {
      role,
      heads,
      derivation,
      tokenLimit,
      truncationSide,
      signal,
      client,
      limits,
      ...(measure === undefined ? {} : { measure }),
    },
  );
}

const OF_THE_REQUEST: readonly HttpErrorCode[] = ['client_closed_request', 'request_too_large'];

/** What another input could do better: not an overloaded or closed model, nor a client that is gone. */
function isOfAnItem(error: unknown): error is KimeraError {
  return (
    error instanceof KimeraError &&
    error.kind === 'caller' &&
    !(error instanceof HttpError && OF_THE_REQUEST.includes(error.code))
  );
}

function attempt<T>(work: () => T): T | HttpError {
  try {
    return work();
  } catch (error) {
    if (error instanceof HttpError) return error;
    throw error;
  }
}
