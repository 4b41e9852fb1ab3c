import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(fileURLToPath(import.meta.url), '../../../..');

export function modelTokenizer(model: 'all-MiniLM-L6-v2' | 'multilingual-e5-small'): string {
  return readFileSync(join(root, 'models', model, 'tokenizer.json'), 'utf8');
}
export function tokenizerPath(model: 'all-MiniLM-L6-v2' | 'multilingual-e5-small'): string {
  return join(root, 'models', model, 'tokenizer.json');
}

/** A file or folder of fixtures/. */
export function fixturePath(name: string): string {
  return join(root, 'fixtures', name);
}

/** The parts of tokenizer.json that specs change. */
export interface TokenizerFile {
  readonly normalizer: { readonly normalizers?: readonly unknown[] };
  readonly pre_tokenizer: unknown;
  readonly added_tokens: readonly { readonly content: string }[];
}
/** A model's tokenizer.json as JSON. */
export function modelTokenizerFile(model: 'all-MiniLM-L6-v2' | 'multilingual-e5-small'): TokenizerFile {
  const value: unknown = JSON.parse(modelTokenizer(model));
  return value as TokenizerFile;
}

/**
 * XLM-R's own layout on the pieces that e5 ships: charsmap alone, words split at white space, `<mask>` with lstrip. The
 * goldens of fixtures/tokenizers/xlmr.jsonl were made with this layout (its PROVENANCE.md).
 */
export function xlmRobertaTokenizer(): string {
  const tokenizer = modelTokenizerFile('multilingual-e5-small');
  return JSON.stringify({
    ...tokenizer,
    normalizer: tokenizer.normalizer.normalizers?.[0],
    pre_tokenizer: { type: 'Sequence', pretokenizers: [{ type: 'WhitespaceSplit' }, tokenizer.pre_tokenizer] },
    added_tokens: tokenizer.added_tokens.map((token) => ({ ...token, lstrip: token.content === '<mask>' })),
  });
}

export interface Golden {
  readonly text: string;
  readonly ids: readonly number[];
  readonly kind: string;
}
export function goldens(file: 'wordpiece' | 'xlmr'): readonly Golden[] {
  const lines = readFileSync(join(root, 'fixtures/tokenizers', `${file}.jsonl`), 'utf8')
    .trim()
    .split('\n');
  const cases: readonly unknown[] = lines.map((line): unknown => JSON.parse(line));
  return cases as readonly Golden[];
}

export interface Hostile {
  readonly file: string;
  readonly wrong: string;
  readonly expected_error: string;
  readonly also_acceptable?: readonly string[];
  readonly json: string;
}
export function hostile(): readonly Hostile[] {
  const folder = join(root, 'fixtures/hostile-tokenizers');
  const items: unknown = JSON.parse(readFileSync(join(folder, 'index.json'), 'utf8'));
  return (items as readonly Omit<Hostile, 'json'>[]).map((item) => ({
    ...item,
    json: readFileSync(join(folder, item.file), 'utf8'),
  }));
}
