import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Tokenizer } from '@kimera/core';
import { fixturePath, modelTokenizer } from './fixtures.fixture.js';
import { parseTokenizer } from './pure.js';

/** What fixtures/tokenizers/make_goldens.py wrote of the whole of Unicode and of texts of chance. */
export interface UnicodeGoldens {
  readonly codePoints: readonly (readonly [first: number, last: number])[];
  /** By tokenizer: a hash of the ids of 4,096 code points each. */
  readonly unicode: Readonly<Record<string, readonly string[]>>;
  readonly fuzz: {
    readonly pools: readonly (readonly (readonly [first: number, last: number])[])[];
    readonly words: readonly string[];
    readonly seeds: readonly number[];
    readonly count: number;
    readonly block: number;
  };
  /** By tokenizer: a hash of the ids of `block` texts each, seed after seed. */
  readonly fuzzed: Readonly<Record<string, readonly string[]>>;
}

/** A tokenizer.json that is `base` with other parts, and the hashes of the ids of 100 texts each. */
export interface FormGolden {
  readonly base: string;
  readonly name: string;
  readonly patch: Readonly<Record<string, unknown>>;
  readonly ids: readonly string[];
}

/** A line for each text of wordpiece.jsonl; offsets and the decoded text are hashed. */
export interface ByteLevelGolden {
  readonly ids: readonly number[];
  readonly offsets: string;
  readonly decoded: string;
}

export function unicodeGoldens(): UnicodeGoldens {
  return read('unicode.json') as UnicodeGoldens;
}
export function formGoldens(): readonly FormGolden[] {
  return read('forms.json') as readonly FormGolden[];
}
export function byteLevelGoldens(): readonly ByteLevelGolden[] {
  const lines = readFileSync(fixturePath('tokenizers/byte-level.jsonl'), 'utf8').trim().split('\n');
  const values: readonly unknown[] = lines.map((line): unknown => JSON.parse(line));
  return values as readonly ByteLevelGolden[];
}
export function byteLevelTokenizer(): string {
  return readFileSync(fixturePath('tokenizers/byte-level.json'), 'utf8');
}

function read(file: string): unknown {
  return JSON.parse(readFileSync(join(fixturePath('tokenizers'), file), 'utf8'));
}

/** The tokenizer of a name in unicode.json. */
export function tokenizerOf(name: string): Tokenizer {
  if (name === 'wordpiece cased')
    return patched('wordpiece', { normalizer: { ...bertNormalizer(), lowercase: false } });
  return patched(name, {});
}
function bertNormalizer(): object {
  return (base('wordpiece') as { readonly normalizer: object }).normalizer;
}

const bases = new Map<string, object>();
/** Read once: XLM-R's takes 17 MB. */
function base(name: string): object {
  const known = bases.get(name);
  if (known !== undefined) return known;
  const value = readBase(name);
  bases.set(name, value);
  return value;
}
function readBase(name: string): object {
  const json =
    name === 'byte-level'
      ? byteLevelTokenizer()
      : modelTokenizer(name === 'wordpiece' ? 'all-MiniLM-L6-v2' : 'multilingual-e5-small');
  const value: unknown = JSON.parse(json);
  return name === 'unigram small' ? smaller(value as Unigram) : (value as object);
}

interface Unigram {
  readonly added_tokens: readonly { readonly id: number; readonly content: string }[];
  readonly model: { readonly vocab: readonly unknown[] };
}
/** The first 20,000 pieces, as make_goldens.py takes them. */
function smaller(value: Unigram): object {
  const added = value.added_tokens.flatMap((token) =>
    token.content === '<mask>' ? [{ ...token, id: 20_000 }] : token.id < 20_000 ? [token] : [],
  );
  return { ...value, added_tokens: added, model: { ...value.model, vocab: value.model.vocab.slice(0, 20_000) } };
}

interface ModelPatch {
  readonly extra?: Readonly<Record<string, number>>;
  readonly merges?: number | readonly unknown[];
}
interface Model {
  readonly vocab: Readonly<Record<string, number>>;
  readonly merges: readonly unknown[];
}

/** A base with other parts; `(charsmap)` stands for its own, and a model has the base's pieces. */
export function patched(name: string, patch: Readonly<Record<string, unknown>>): Tokenizer {
  const value = base(name) as {
    readonly model: Model;
    readonly normalizer?: { readonly normalizers?: readonly { readonly precompiled_charsmap?: string }[] };
  };
  const charsmap = value.normalizer?.normalizers?.[0]?.precompiled_charsmap ?? '';
  const known: unknown = JSON.parse(JSON.stringify(patch).replaceAll('(charsmap)', charsmap));
  const parts = known as { readonly model?: ModelPatch };
  const { extra = {}, merges, ...fields } = parts.model ?? {};
  const model = {
    ...value.model,
    ...fields,
    ...(name === 'byte-level' ? { vocab: { ...value.model.vocab, ...extra } } : {}),
    ...(typeof merges === 'number'
      ? { merges: value.model.merges.slice(0, merges) }
      : merges === undefined
        ? {}
        : { merges }),
  };
  return parseTokenizer('', name, { ...value, ...parts, model });
}

/** Texts of chance, the same as make_goldens.py makes (mulberry32). */
export function fuzzTexts({ pools, words }: UnicodeGoldens['fuzz'], seed: number, count: number): readonly string[] {
  let state = seed >>> 0;
  const step = (limit: number): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) % limit;
  };
  const character = (ranges: readonly (readonly [number, number])[]): string => {
    const [first, last] = ranges[step(ranges.length)] as readonly [number, number];
    return String.fromCodePoint(first + step(last - first + 1));
  };
  return Array.from({ length: count }, () => {
    const used = Array.from({ length: 1 + step(4) }, () => step(pools.length + 2));
    let text = '';
    for (let left = 1 + step(24); left > 0; left -= 1) {
      const pool = pools[used[step(used.length)] as number];
      text += pool === undefined ? (words[step(words.length)] as string) : character(pool);
      if (step(7) === 0) text += ' ';
    }
    return text;
  });
}

/** Every code point between two letters, 64 a text. */
export function* unicodeTexts(codePoints: UnicodeGoldens['codePoints']): Generator<string> {
  for (const [first, last] of codePoints) {
    for (let row = first; row <= last; row += 64) {
      const characters = Array.from({ length: 64 }, (_, i) => row + i).filter((c) => c < 0xd800 || c > 0xdfff);
      yield characters.map((c) => `a${String.fromCodePoint(c)}b`).join(' ');
    }
  }
}

/** A hash of the ids of each `size` texts. */
export function hashesOfIds(tokenizer: Tokenizer, texts: Iterable<string>, size: number): readonly string[] {
  const rows = Array.from(texts, (text) => tokenizer.encode(text, { maxTokens: 1_000_000 }).ids.join());
  return Array.from({ length: Math.ceil(rows.length / size) }, (_, i) => digest(rows.slice(i * size, (i + 1) * size)));
}

export function digest(lines: readonly string[]): string {
  return createHash('sha256').update(lines.join('\n')).digest('hex').slice(0, 12);
}
