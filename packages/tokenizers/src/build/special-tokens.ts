import { JsonReader } from '../json/json-reader.js';

/** What stands beside a vocabulary in a checkpoint; each as parsed JSON, undefined where there is no such file. */
export interface TokenizerSettings {
  /** tokenizer_config.json. */
  readonly config?: unknown;
  /** special_tokens_map.json. */
  readonly specialTokensMap?: unknown;
  /** added_tokens.json. */
  readonly addedTokens?: unknown;
  /** For messages. */
  readonly source: string;
}

/** An entry of `added_tokens` in a tokenizer.json. */
export interface AddedTokenEntry {
  readonly id: number;
  readonly content: string;
  readonly single_word: boolean;
  readonly lstrip: boolean;
  readonly rstrip: boolean;
  readonly normalized: boolean;
  readonly special: boolean;
}
type Token = Omit<AddedTokenEntry, 'id'>;

/** In the order in which transformers adds them (tokenization_utils_base.py `SPECIAL_TOKENS_ATTRIBUTES`). */
export const SPECIAL_TOKEN_ATTRIBUTES = [
  'bos_token',
  'eos_token',
  'unk_token',
  'sep_token',
  'pad_token',
  'cls_token',
  'mask_token',
] as const;
export type SpecialName = (typeof SPECIAL_TOKEN_ATTRIBUTES)[number];

export interface SpecialDefault {
  readonly content: string;
  /** The class itself makes an AddedToken of a string, whose flags then go before those that other files say. */
  readonly flagged?: boolean;
  readonly lstrip?: boolean;
  readonly normalized?: boolean;
}
/** What a tokenizer class of transformers takes where no file says another token. */
export interface SpecialDefaults {
  readonly tokens: Partial<Record<SpecialName, SpecialDefault>>;
  readonly additional?: readonly string[];
}

const PLAIN = { single_word: false, lstrip: false, rstrip: false, normalized: false, special: true } as const;

export interface SpecialTokens {
  readonly contents: Partial<Record<SpecialName, string>>;
  /** Those that are in the vocabulary, and those that follow it, by id. */
  readonly entries: readonly AddedTokenEntry[];
  /** The settings of tokenizer_config.json. */
  readonly config: JsonReader;
}

/**
 * The special and added tokens of a checkpoint without tokenizer.json, as transformers 4.57 puts them together: defaults
 * of the class, then tokenizer_config.json, then (where that has no `added_tokens_decoder`) special_tokens_map.json and
 * added_tokens.json.
 * @param ids of the vocabulary. @param first tokens that the model file itself declares.
 * @throws InvalidTokenizerError where a file says an id that the token would not get.
 */
export function readSpecialTokens(
  settings: TokenizerSettings,
  defaults: SpecialDefaults,
  ids: ReadonlyMap<string, number>,
  first: readonly Token[] = [],
): SpecialTokens {
  const config = fileReader(settings, 'tokenizer_config.json', settings.config);
  const decoder = config.field('added_tokens_decoder');
  const legacy = decoder.isNull;
  const map = fileReader(settings, 'special_tokens_map.json', legacy ? settings.specialTokensMap : undefined);
  const listed = legacy
    ? readLegacyTokens(fileReader(settings, 'added_tokens.json', settings.addedTokens), config, map)
    : decoder
        .entries()
        .map(([id]) => ({ at: decoder.field(id), id: Number(id), token: readToken(decoder.field(id), {}) }));
  // Only tokens that a file names are looked for among the declared ones.
  const declared = new Map(legacy ? [] : listed.map(({ token }) => [token.content, token]));
  const contents: Partial<Record<SpecialName, string>> = {};
  const specials: Special[] = [];
  for (const name of SPECIAL_TOKEN_ATTRIBUTES) {
    const special = readSpecial(name, config, map, defaults, declared);
    if (special === undefined) continue;
    contents[name] = special.token.content;
    specials.push(special);
  }
  specials.push(...readAdditional(config, map, defaults));
  const special = new Set(specials.map(({ token }) => token.content));

  const ordered = [...listed].sort((a, b) => a.id - b.id);
  const byContent = new Map<string, Token>();
  for (const token of [...first, ...ordered.map((one) => one.token)]) byContent.set(token.content, token);
  const seen = new Set<string>();
  for (const { token, flagged } of specials) {
    if (!seen.has(token.content) && (flagged || !byContent.has(token.content))) byContent.set(token.content, token);
    seen.add(token.content);
  }
  byContent.delete('');
  let next = ids.size;
  const entries = [...byContent.values()].map((token) => ({
    id: ids.get(token.content) ?? next++,
    ...token,
    special: token.special || special.has(token.content),
  }));
  for (const { at, id, token } of ordered) {
    const given = entries.find(({ content }) => content === token.content)?.id;
    if (given !== id) at.fail(`${JSON.stringify(token.content)} has the id ${id}, the library gives it ${given}`);
  }
  return { contents, entries: entries.sort((a, b) => a.id - b.id), config };
}

/** A special token that the tokenizer cannot do without. */
export function requiredToken(
  tokens: SpecialTokens,
  name: SpecialName,
  ids: ReadonlyMap<string, number>,
): readonly [content: string, id: number] {
  const content = tokens.contents[name];
  const id = content === undefined ? undefined : ids.get(content);
  if (content === undefined || id === undefined)
    return tokens.config.field(name).fail(`${JSON.stringify(content)} is not in the vocabulary`);
  return [content, id];
}

function fileReader(settings: TokenizerSettings, file: string, value: unknown): JsonReader {
  return new JsonReader(value ?? {}, settings.source, file);
}

interface Special {
  readonly token: Token;
  /** Its flags go before those that other files say of the same token. */
  readonly flagged: boolean;
}

function readSpecial(
  name: SpecialName,
  config: JsonReader,
  map: JsonReader,
  defaults: SpecialDefaults,
  declared: ReadonlyMap<string, Token>,
): Special | undefined {
  const fallback = defaults.tokens[name];
  const inMap = map.field(name);
  const reader = inMap.value === undefined ? config.field(name) : inMap;
  if (reader.value === null || (reader.value === undefined && fallback === undefined)) return undefined;
  if (typeof reader.value === 'object') {
    const token = readToken(reader, { special: reader === inMap });
    return { token: { ...(declared.get(token.content) ?? token), special: true }, flagged: true };
  }
  const content = reader.value === undefined ? (fallback?.content ?? '') : reader.string();
  const known = reader.value === undefined ? undefined : declared.get(content);
  if (known !== undefined) return { token: { ...known, special: true }, flagged: true };
  const { lstrip = false, normalized = false, flagged = false } = fallback ?? {};
  return { token: { ...PLAIN, content, lstrip, normalized }, flagged };
}

function readAdditional(config: JsonReader, map: JsonReader, defaults: SpecialDefaults): readonly Special[] {
  const name = 'additional_special_tokens';
  const readers = [config.field(name), map.field(name)].filter((reader) => !reader.isNull);
  const plain = (content: string): Special => ({ token: { ...PLAIN, content }, flagged: false });
  if (readers.length === 0) return (defaults.additional ?? []).map(plain);
  return readers.flatMap((reader) =>
    reader
      .items()
      .map((item) =>
        typeof item.value === 'string'
          ? plain(item.string())
          : { token: { ...readToken(item, { special: reader.at.startsWith(map.at) }), special: true }, flagged: true },
      ),
  );
}

interface ListedToken {
  readonly at: JsonReader;
  readonly id: number;
  readonly token: Token;
}

/** added_tokens.json: content → id. */
function readLegacyTokens(file: JsonReader, config: JsonReader, map: JsonReader): readonly ListedToken[] {
  const named = new Set<unknown>();
  for (const reader of [config, map]) {
    for (const name of SPECIAL_TOKEN_ATTRIBUTES) named.add(contentOf(reader.field(name).value));
    const additional = reader.field('additional_special_tokens');
    if (!additional.isNull) for (const item of additional.list()) named.add(contentOf(item));
  }
  return file.entries().map(([content]) => {
    const special = named.has(content);
    const at = file.field(content);
    const id = at.integer({ min: 0, max: Number.MAX_SAFE_INTEGER });
    return { at, id, token: { ...PLAIN, content, normalized: !special, special } };
  });
}
function contentOf(value: unknown): unknown {
  return typeof value === 'object' && value !== null && 'content' in value ? value.content : value;
}

/** A token with its flags, as transformers' AddedToken takes them. */
function readToken(reader: JsonReader, { special = false }: { readonly special?: boolean }): Token {
  const isSpecial = special || reader.field('special').boolean(false);
  return {
    content: reader.field('content').string(),
    single_word: reader.field('single_word').boolean(false),
    lstrip: reader.field('lstrip').boolean(false),
    rstrip: reader.field('rstrip').boolean(false),
    normalized: reader.field('normalized').boolean(!isSpecial),
    special: isSpecial,
  };
}
