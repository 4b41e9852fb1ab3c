import type { Head } from '@kimera/core';

/** Texts of a measurement: how many, and how many tokens each has, special tokens included. */
export interface CellTexts {
  readonly count: number;
  /** Spread evenly over [least, most]. */
  readonly tokens: readonly [least: number, most: number];
}

interface CellBase {
  /** As `--cells` takes it. */
  readonly name: string;
  readonly title: string;
  readonly model: CellModel;
  readonly texts: CellTexts;
  /** Names of the systems that take part; default: all that have its model and its kind. */
  readonly systems?: readonly string[];
  /** Name of the system that speeds are compared with. */
  readonly reference: string;
}

export type CellModel = 'minilm' | 'large';

export type Cell =
  /** All texts in one call of a library. */
  | (CellBase & { readonly kind: 'bulk'; readonly heads?: readonly Head[] })
  /** One text a call, one after the other. */
  | (CellBase & { readonly kind: 'alone' })
  /** One text a request, so many clients at a time; `known`: texts that were asked for before. */
  | (CellBase & { readonly kind: 'http'; readonly clients: number; readonly known?: true });

const exactly = (count: number, tokens: number): CellTexts => ({ count, tokens: [tokens, tokens] });
const HTTP_TEXTS: CellTexts = { count: 2_048, tokens: [60, 80] };
const REFERENCE = 'st-fp32';
const LONG = { model: 'large', kind: 'bulk', reference: REFERENCE } as const;
const SHORT = { model: 'minilm', reference: REFERENCE } as const;

/** Texts as they occur: of unequal lengths, but for the long ones, which come alone or in batches of one length. */
export const CELLS: readonly Cell[] = [
  {
    name: 'minilm-11',
    title: 'MiniLM, 11 tokens (7 to 15)',
    ...SHORT,
    kind: 'bulk',
    texts: { count: 288, tokens: [7, 15] },
  },
  {
    name: 'minilm-75',
    title: 'MiniLM, 75 tokens (50 to 100)',
    ...SHORT,
    kind: 'bulk',
    texts: { count: 102, tokens: [50, 100] },
  },
  {
    name: 'minilm-mixed',
    title: 'MiniLM, 5 to 250 tokens',
    ...SHORT,
    kind: 'bulk',
    texts: { count: 82, tokens: [5, 250] },
  },
  {
    name: 'minilm-one',
    title: 'MiniLM, one text alone, 11 tokens (7 to 15)',
    ...SHORT,
    kind: 'alone',
    texts: { count: 54, tokens: [7, 15] },
  },
  ...[1, 8, 64].map((clients): Cell => ({
    name: `http-${clients}`,
    title: `MiniLM over HTTP, ${clients} client${clients === 1 ? '' : 's'}, 70 tokens (60 to 80)`,
    model: 'minilm',
    reference: 'infinity',
    kind: 'http',
    clients,
    texts: HTTP_TEXTS,
  })),
  {
    name: 'http-8-known',
    title: 'MiniLM over HTTP, 8 clients, 64 texts that come again',
    model: 'minilm',
    reference: 'infinity',
    kind: 'http',
    clients: 8,
    known: true,
    texts: { count: 64, tokens: [60, 80] },
  },
  { name: 'large-16x128', title: 'XLM-R large, 16 × 128 tokens', ...LONG, texts: exactly(16, 128) },
  { name: 'large-1x512', title: 'XLM-R large, 1 × 512 tokens', ...LONG, texts: exactly(1, 512) },
  { name: 'large-1x32', title: 'XLM-R large, 1 × 32 tokens', ...LONG, texts: exactly(1, 32) },
  { name: 'large-1x2048', title: 'XLM-R large, 1 × 2,048 tokens', ...LONG, texts: exactly(1, 2_048) },
  { name: 'large-1x8192', title: 'XLM-R large, 1 × 8,192 tokens', ...LONG, texts: exactly(1, 8_192) },
  {
    name: 'large-heads',
    title: 'XLM-R large, 16 × 128 tokens, dense, sparse and ColBERT',
    ...LONG,
    heads: ['dense', 'sparse', 'colbert'],
    systems: ['kimera-fp32', 'kimera-int8'],
    reference: 'kimera-fp32',
    texts: exactly(16, 128),
  },
  {
    name: 'migration',
    title: 'MiniLM, a migration of 510 rows of 75 tokens (50 to 100)',
    model: 'minilm',
    kind: 'bulk',
    systems: ['kimera-fp32', 'migration-fp32'],
    reference: 'kimera-fp32',
    texts: { count: 510, tokens: [50, 100] },
  },
];

/** Tokens of each text of a cell: every length of the range, in an order that mixes them. */
export function lengthsOf({ count, tokens: [least, most] }: CellTexts): readonly number[] {
  const lengths = most - least + 1;
  // A step that has no divisor in common with the number of lengths visits all of them.
  let step = Math.max(1, Math.round(lengths * 0.618));
  while (greatestCommonDivisor(step, lengths) !== 1) step += 1;
  return Array.from({ length: count }, (_, i) => least + ((i * step) % lengths));
}

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b);
}
