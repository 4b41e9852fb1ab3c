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

/**
 * XLM-R's own layout on the pieces that e5 ships: charsmap alone, words split at white space, `<mask>` with lstrip. The
 * goldens of
 * fixtures/tokenizers/xlmr.jsonl were made with this layout (its PROVENANCE.md).
 */
export function xlmRobertaTokenizer(): string {
  const tokenizer = JSON.parse(modelTokenizer('multilingual-e5-small'));
  tokenizer.normalizer = tokenizer.normalizer.normalizers[0];
  tokenizer.pre_tokenizer = { type: 'Sequence', pretokenizers: [{ type: 'WhitespaceSplit' }, tokenizer.pre_tokenizer] };
  for (const token of tokenizer.added_tokens) token.lstrip = token.content === '<mask>';
  return JSON.stringify(tokenizer);
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
  return lines.map((line) => JSON.parse(line));
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
  const items: readonly Omit<Hostile, 'json'>[] = JSON.parse(readFileSync(join(folder, 'index.json'), 'utf8'));
  return items.map((item) => ({ ...item, json: readFileSync(join(folder, item.file), 'utf8') }));
}
