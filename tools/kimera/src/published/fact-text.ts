import type { FigureFact } from './published-facts.js';
import { quoted, showFigure } from './published-row.js';

const KIND_NAMES: Readonly<Record<FigureFact['kind'], string>> = {
  denseSimilarity: 'dense similarity',
  denseSum: 'sum of the dense vector',
  lexicalWeights: 'lexical weights',
  lexicalWeightsOfTokens: 'lexical weights',
  lexicalScore: 'lexical score',
  colbertShape: 'ColBERT shape',
  colbertScore: 'ColBERT score',
  hybridScore: 'hybrid score',
};

/**
 * What a row says it compares: `hybrid score of 0.4 dense + 0.2 sparse, “What is BGE M3?” · “BM25 is a bag-of-words
 * …”`.
 */
export function factName(fact: FigureFact): string {
  const weights =
    fact.kind === 'hybridScore'
      ? ` of ${Object.entries(fact.weights)
          .map(([head, weight]) => `${weight} ${head}`)
          .join(' + ')}`
      : '';
  const layout =
    fact.kind === 'lexicalWeights' && fact.tokenizer === 'splitsAtWhiteSpace' ? ' (split at white space)' : '';
  const texts = 'text' in fact ? quoted(fact.text) : `${quoted(fact.query)} · ${quoted(fact.passage)}`;
  return `${KIND_NAMES[fact.kind]}${weights}${layout}, ${texts}`;
}

/** The published side of a row. */
export function publishedText(fact: FigureFact, tolerance: number): string {
  if ('value' in fact) return `${showFigure(fact.value)} ± ${showFigure(tolerance)}`;
  if ('shape' in fact) return fact.shape.join(' × ');
  return `${Object.keys(fact.weights).length} weights ± ${showFigure(tolerance)}`;
}
