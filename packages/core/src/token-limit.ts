import type { EncodeOptions } from './ports/tokenizer.js';
import { TextBeyondPositionsError } from './errors.js';
import type { EmbeddingSpace, SpaceIdentity } from './space.js';

/** How a text of the space is tokenised: cut at its limit, on its side. */
export function tokenLimit({
  maxTokens,
  truncationSide,
}: Pick<SpaceIdentity, 'maxTokens' | 'truncationSide'>): EncodeOptions {
  return { maxTokens, ...(truncationSide === undefined ? {} : { truncationSide }) };
}

/** @param tokens of texts, each with its special tokens. @throws TextBeyondPositionsError. */
export function checkPositions(
  { positions, maxTokens }: Pick<EmbeddingSpace, 'positions' | 'maxTokens'>,
  tokens: readonly number[],
): void {
  if (positions === undefined) return;
  const longest = Math.max(0, ...tokens);
  if (longest > positions) throw new TextBeyondPositionsError(longest, positions, maxTokens);
}
