import type { ModelExpectation } from '@kimera/embedder';

/** Models that a folder can be taken for: what migrations go from and to. */
export const TAKEN_FOR = {
  'bge-m3': { dimension: 1024, maxTokens: 8192, heads: ['dense', 'sparse', 'colbert'] },
  'all-MiniLM-L6-v2': { dimension: 384, maxTokens: 256, heads: ['dense'] },
  'multilingual-e5-small': { dimension: 384, maxTokens: 512, heads: ['dense'] },
} as const satisfies Readonly<Record<string, ModelExpectation>>;
