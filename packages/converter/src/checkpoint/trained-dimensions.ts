import { z } from 'zod';
import { readText } from './json-file.js';

export const CARD = 'README.md';
/** Characters of a card that are looked at: its facts stand at the head, and cards are at most some 100 KB. */
const CARD_CHARACTERS = 1 << 20;
const sizes = z.array(z.int().positive());

/**
 * Numbers of a vector that can be used alone at its head, as the model was trained for it (Matryoshka), in falling order:
 * `matryoshka_dimensions` of config.json, and the evaluations that the card (README.md) names `dim_N`, as
 * sentence-transformers 5.7 writes it for a model of MatryoshkaLoss. Empty where no file says it; what a file says
 * otherwise is not taken.
 */
export async function readTrainedDimensions(
  folder: string,
  config: Readonly<Record<string, unknown>>,
): Promise<readonly number[]> {
  const named = sizes.safeParse(config['matryoshka_dimensions']).data ?? [];
  const card = (await readText(folder, CARD))?.slice(0, CARD_CHARACTERS) ?? '';
  const [facts = ''] = /^---\r?\n[^]*?\n---/.exec(card) ?? [];
  const evaluated = Array.from(facts.matchAll(/^[ -]*type: *["']?dim_(\d{1,6})["']? *\r?$/gm), ([, size]) =>
    Number(size),
  );
  return [...new Set([...named, ...evaluated])].filter((size) => size > 0).sort((a, b) => b - a);
}
