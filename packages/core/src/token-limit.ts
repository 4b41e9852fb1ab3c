import type { EncodeOptions } from './ports/tokenizer.js';
import type { SpaceIdentity } from './space.js';

/** How a text of the space is tokenised: cut at its limit, on its side. */
export function tokenLimit({
  maxTokens,
  truncationSide,
}: Pick<SpaceIdentity, 'maxTokens' | 'truncationSide'>): EncodeOptions {
  return { maxTokens, ...(truncationSide === undefined ? {} : { truncationSide }) };
}
