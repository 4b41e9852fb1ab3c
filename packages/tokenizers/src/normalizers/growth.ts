import type { Normalizer } from '../stages.js';

/**
 * How many times as long normalisers may make a text, one after the other. A replacement of what no earlier one puts in
 * meets characters of the text alone, each of which is then replaced once: of such the longest counts, not their product.
 */
export function growthOf(normalizers: readonly Normalizer[]): number {
  let product = 1;
  let longest = 1;
  let contents = '';
  for (const { growth, replacement } of normalizers) {
    if (replacement === undefined) product *= growth;
    else {
      const { pattern, content } = replacement;
      const meets = pattern === undefined || Array.from(pattern).some((character) => contents.includes(character));
      longest = meets ? longest * growth : Math.max(longest, growth);
      contents += content;
    }
  }
  return product * longest;
}
