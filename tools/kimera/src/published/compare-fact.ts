import { colbertScore, dot, type Head, HEADS, hybridScore, lexicalScore } from '@kimera/core';
import { compareFigure, compareShape, compareWeights } from './compare-figures.js';
import type { FactTokenizers } from './fact-tokenizers.js';
import type { FigureFact } from './published-facts.js';
import { quoted, type Comparison } from './published-row.js';
import type { TextOutputs } from './text-outputs.js';

export interface FactContext {
  readonly outputs: TextOutputs;
  readonly tokenizers: FactTokenizers;
}

interface Pair {
  readonly query: string;
  readonly passage: string;
}

/** The score of each head as FlagEmbedding computes it. */
const SCORES: Readonly<Record<Head, (pair: Pair, outputs: TextOutputs) => Promise<number>>> = {
  dense: async ({ query, passage }, outputs) =>
    dot(await outputs.get('dense', query), await outputs.get('dense', passage)),
  sparse: async ({ query, passage }, outputs) =>
    lexicalScore(await outputs.get('sparse', query), await outputs.get('sparse', passage)),
  colbert: async ({ query, passage }, outputs) =>
    colbertScore(await outputs.get('colbert', query), await outputs.get('colbert', passage), outputs.colbertDimension),
};

/**
 * Figures hold within `tolerance`. @throws UnsupportedHeadError where the model lacks the head, and what the scores and
 * the backend refuse.
 */
export async function compareFact(
  fact: FigureFact,
  tolerance: number,
  { outputs, tokenizers }: FactContext,
): Promise<Comparison> {
  switch (fact.kind) {
    case 'denseSimilarity':
      return compareFigure(fact.value, await SCORES.dense(fact, outputs), tolerance);
    case 'lexicalScore':
      return compareFigure(fact.value, await SCORES.sparse(fact, outputs), tolerance);
    case 'colbertScore':
      return compareFigure(fact.value, await SCORES.colbert(fact, outputs), tolerance);
    case 'hybridScore': {
      const scores: Partial<Record<Head, number>> = {};
      for (const head of HEADS) if (fact.weights[head] !== undefined) scores[head] = await SCORES[head](fact, outputs);
      return compareFigure(fact.value, hybridScore(scores, fact.weights), tolerance);
    }
    case 'denseSum':
      return compareFigure(
        fact.value,
        (await outputs.get('dense', fact.text)).reduce((sum, value) => sum + value, 0),
        tolerance,
      );
    case 'colbertShape': {
      const C = outputs.colbertDimension;
      return compareShape(fact.shape, [(await outputs.get('colbert', fact.text)).length / C, C]);
    }
    case 'lexicalWeights': {
      const published = new Map(Object.entries(fact.weights).map(([id, weight]) => [Number(id), weight]));
      return compareWeights(published, await outputs.get('sparse', fact.text, fact.tokenizer), tolerance);
    }
    case 'lexicalWeightsOfTokens': {
      const yours = await outputs.get('sparse', fact.text);
      const ids = tokenizers.idsByToken(fact.text);
      const published = new Map<number, number>();
      const strangers: string[] = [];
      for (const [token, weight] of Object.entries(fact.weights)) {
        const id = ids.get(token);
        if (id === undefined) strangers.push(token);
        else published.set(id, weight);
      }
      if (strangers.length > 0)
        return { yours: `no token ${strangers.map((token) => quoted(token)).join(', ')} in this text`, holds: false };
      return compareWeights(published, yours, tolerance);
    }
    default:
      return fact satisfies never;
  }
}
