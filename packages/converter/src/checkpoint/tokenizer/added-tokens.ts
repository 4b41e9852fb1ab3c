import { SPECIAL_TOKEN_ATTRIBUTES } from '@kimera/tokenizers';
import { z } from 'zod';
import type { DefaultToken, TokenizerClass } from './tokenizer-class.js';

/** An entry of `added_tokens` in tokenizer.json. */
export const addedTokenSchema = z.object({
  id: z.int().nonnegative(),
  content: z.string(),
  single_word: z.boolean().default(false),
  lstrip: z.boolean().default(false),
  rstrip: z.boolean().default(false),
  normalized: z.boolean().default(false),
  special: z.boolean().default(false),
});
export type AddedToken = z.infer<typeof addedTokenSchema>;
/** A token that is to be added: without an id. */
export type WantedToken = Omit<AddedToken, 'id' | 'normalized'> & { readonly normalized: boolean | undefined };

/** A special token that a file names: its text alone, or with flags. */
export const namedTokenSchema = z.union([
  z.string(),
  z.object({
    content: z.string(),
    single_word: z.boolean().default(false),
    lstrip: z.boolean().default(false),
    rstrip: z.boolean().default(false),
    normalized: z.boolean().optional(),
    special: z.boolean().default(false),
  }),
]);
export type NamedToken = z.infer<typeof namedTokenSchema>;

export const ADDITIONAL_TOKENS = 'additional_special_tokens';

export interface TokenSources {
  /** Of tokenizer.json. */
  readonly added: readonly AddedToken[];
  /** `added_tokens_decoder` of tokenizer_config.json, in the order of its ids; undefined where it has none. */
  readonly decoder: readonly WantedToken[] | undefined;
  /** Attribute → token, of tokenizer_config.json and, where that has no `added_tokens_decoder`, special_tokens_map.json. */
  readonly special: ReadonlyMap<string, NamedToken>;
  readonly additional: readonly NamedToken[];
  readonly defaults: TokenizerClass['tokens'];
}

/**
 * The tokens that transformers adds to those of tokenizer.json when it loads it (4.57, tokenization_utils_fast.py,
 * `PreTrainedTokenizerFast.__init__`): those of `added_tokens_decoder` whose flags differ, and special tokens that are
 * not added yet, or are named with flags.
 */
export function tokensToAdd({ added, decoder, special, additional, defaults }: TokenSources): readonly WantedToken[] {
  const known = new Map((decoder ?? added).map((token) => [token.content, token]));
  const withFlags = (named: NamedToken, usual?: DefaultToken): WantedToken | string => {
    const content = typeof named === 'string' ? named : named.content;
    const flags = known.get(content);
    if (flags !== undefined) return flags;
    if (typeof named !== 'string') return { ...named, normalized: named.normalized };
    // A class that gives its own token flags gives them to a token that a file names by its text too.
    return usual === undefined || usual.isPlain ? named : wanted(named, usual.leftStrip ?? false);
  };
  const specials: (WantedToken | string)[] = [];
  const seen = new Set<string>();
  const see = (token: WantedToken | string): void => {
    const content = textOf(token);
    if (!seen.has(content)) specials.push(token);
    seen.add(content);
  };
  for (const attribute of SPECIAL_TOKEN_ATTRIBUTES) {
    const named = special.get(attribute);
    const usual = defaults.find((token) => token.attribute === attribute);
    if (named !== undefined) see(withFlags(named, usual));
    else if (usual !== undefined) see(usual.isPlain ? usual.content : wanted(usual.content, usual.leftStrip ?? false));
  }
  const usualAdditional = defaults.filter(({ attribute }) => attribute === ADDITIONAL_TOKENS);
  for (const token of additional.length > 0 ? additional : usualAdditional.map(({ content }) => content))
    see(withFlags(token));

  const tokens: (WantedToken | string)[] = (decoder ?? []).filter(
    (token) => !added.some((each) => sameFlags(each, token)),
  );
  const taken = new Set([...added, ...tokens].map(textOf));
  for (const token of specials) {
    if (
      typeof token === 'string'
        ? taken.has(token)
        : tokens.some((each) => typeof each !== 'string' && sameFlags(each, token))
    )
      continue;
    tokens.push(token);
  }
  return tokens.map((token) =>
    typeof token === 'string'
      ? { ...wanted(token, false), special: seen.has(token) }
      : { ...token, special: token.special || seen.has(token.content) },
  );
}

/**
 * `added_tokens` with these tokens, as tokenizers (0.22, `AddedVocabulary.add_tokens`) adds them: one whose text is
 * there gets the new flags, another the id of its piece, or the next free one. The same array where nothing changes.
 * @param pieceId id of a piece of the model. @param pieces number of the model's pieces.
 */
export function addTokens(
  added: readonly AddedToken[],
  tokens: readonly WantedToken[],
  pieceId: (piece: string) => number | undefined,
  pieces: number,
): readonly AddedToken[] {
  const result = [...added];
  for (const token of tokens) {
    // Compared with what was there before the call, not with what the call has added meanwhile.
    if (token.content === '' || added.some((each) => sameFlags(each, token))) continue;
    const at = result.findIndex(({ content }) => content === token.content);
    const highest = result.reduce((most, { id }) => Math.max(most, id), -1);
    const id = result[at]?.id ?? pieceId(token.content) ?? (highest >= pieces ? highest + 1 : pieces);
    const flags = flagsOf(token);
    const before = result[at];
    // Whether a special token is looked for before or after normalising stays as it was first said.
    const entry = {
      ...flags,
      normalized: before?.special === true && flags.special ? before.normalized : flags.normalized,
      id,
    };
    if (at < 0) result.push(entry);
    else result[at] = entry;
  }
  return result.length === added.length && result.every((token, i) => token === added[i])
    ? added
    : result.sort((a, b) => a.id - b.id);
}

function wanted(content: string, leftStrip: boolean): WantedToken {
  return { content, single_word: false, lstrip: leftStrip, rstrip: false, normalized: undefined, special: false };
}

/** Special tokens are looked for in the text as it is, others in the normalised text, where nothing else is said. */
function flagsOf({ content, single_word, lstrip, rstrip, normalized, special }: WantedToken): Omit<AddedToken, 'id'> {
  return { content, single_word, lstrip, rstrip, normalized: normalized ?? !special, special };
}

function sameFlags(a: WantedToken | AddedToken, b: WantedToken | AddedToken): boolean {
  const [left, right] = [flagsOf(a), flagsOf(b)];
  return (['content', 'single_word', 'lstrip', 'rstrip', 'normalized', 'special'] as const).every(
    (flag) => left[flag] === right[flag],
  );
}

export function textOf(token: { readonly content: string } | string): string {
  return typeof token === 'string' ? token : token.content;
}
