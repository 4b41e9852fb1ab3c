import { HttpError } from '../../errors.js';

export interface TokenLimitOptions {
  /** The field of the body that holds the inputs. */
  readonly param: string;
  /** Tokens that the model reads at most. */
  readonly modelTokens: number;
  /** `MAX_EMBEDDING_LENGTH`, where it is set. Beyond it nothing is cut: a text has one vector in a space. */
  readonly bound: number | undefined;
  /** True: an input beyond the model's limit is cut. */
  readonly truncate: boolean;
  /** Of the inputs in the request, where they are some of its inputs. */
  readonly indexes?: readonly number[];
  /** Message of an input beyond the limit, in the words of the route's contract. */
  readonly tooLong: (limit: number, actual: number, index: number) => string;
}

/** How many tokens an input of a request may have, and whether a longer one is refused. */
export class TokenLimit {
  readonly #options: TokenLimitOptions;

  constructor(options: TokenLimitOptions) {
    this.#options = options;
  }

  /** @param counts tokens of each input, [B]. @throws HttpError where one is beyond the limit and may not be cut. */
  check(counts: ArrayLike<number>): void {
    const { param, modelTokens, bound = modelTokens, truncate, indexes, tooLong } = this.#options;
    const limit = Math.min(modelTokens, bound);
    if (truncate && limit === modelTokens) return;
    const place = Array.from(counts).findIndex((count) => count > limit);
    const actual = counts[place];
    const index = indexes?.[place] ?? place;
    if (actual !== undefined)
      throw new HttpError('input_too_long', tooLong(limit, actual, index), param, { limit, actual, index });
  }
}

/**
 * Message of an input beyond the limit, but on the routes of text-embeddings-inference. @param input for people.
 * @param modelTokens what the model reads at most: only at that is an input cut.
 */
export function tooLong(input: string, limit: number, actual: number, modelTokens: number): string {
  const advice = limit === modelTokens ? ' or send "truncate": true' : '';
  return `${input} has ${actual} tokens, the limit is ${limit}; shorten it${advice}`;
}
