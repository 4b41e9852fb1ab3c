import type { FactTokenizers } from './fact-tokenizers.js';
import type { FactGroup, FactTokenizer, TokensFact } from './published-facts.js';
import { quoted, type PublishedRow } from './published-row.js';

const ROWS: readonly (readonly [tokenizer: FactTokenizer, fact: string])[] = [
  ['asFile', 'tokenisations as tokenizer.json says'],
  ['splitsAtWhiteSpace', 'tokenisations as transformers 5 builds this tokenizer (it splits at white space first)'],
];

/** One row for all the tokenisations of a group that use the same tokenizer; it names the first that differs. */
export function tokenisationRows(
  { name: group, facts }: FactGroup,
  tokenizers: FactTokenizers,
): readonly PublishedRow[] {
  return ROWS.flatMap(([tokenizer, fact]) => {
    const cases = facts.filter(
      (candidate): candidate is TokensFact => candidate.kind === 'tokens' && candidate.tokenizer === tokenizer,
    );
    if (cases.length === 0) return [];
    const encoded = cases.map(({ text, ids }) => ({
      text,
      published: ids.join(' '),
      yours: tokenizers.encode(text, tokenizer).join(' '),
    }));
    const others = encoded.filter(({ published, yours }) => published !== yours);
    const first = others
      .slice(0, 1)
      .map(({ text, published, yours }) => `; first other: ${quoted(text)} gives ${yours}, published ${published}`)
      .join('');
    return [
      {
        group,
        fact,
        published: `${cases.length} of ${cases.length}`,
        yours: `${cases.length - others.length} of ${cases.length}${first}`,
        holds: others.length === 0,
      },
    ];
  });
}
