/** Something that is hashed, and what it adds to its bucket. */
export interface Feature {
  readonly name: string;
  readonly weight: number;
}

/** Lengths of the character n-grams, in code points. */
const GRAMS = [3, 4] as const;
const WORD_OR_SIGN = /([\p{L}\p{M}\p{N}]+)|([^\p{L}\p{M}\p{N}\p{White_Space}\p{Cc}])/gu;

/**
 * The features of a text in lower case (code point by code point). A word, a run of letters, marks and digits, is one
 * feature `w:word` of weight 1 and its character n-grams `g:gram` over `<word>`, which share a weight of 1. Every other character that is not white space is
 * a feature `s:character` of weight ½.
 */
export function* textFeatures(text: string): Generator<Feature> {
  const lower = Array.from(text, (character) => character.toLowerCase()).join('');
  for (const [, word, sign] of lower.matchAll(WORD_OR_SIGN)) {
    if (sign !== undefined) yield { name: `s:${sign}`, weight: 0.5 };
    if (word === undefined) continue;
    yield { name: `w:${word}`, weight: 1 };
    const characters = ['<', ...Array.from(word), '>'];
    const grams = GRAMS.flatMap((size) =>
      Array.from({ length: Math.max(0, characters.length - size + 1) }, (_, i) =>
        characters.slice(i, i + size).join(''),
      ),
    );
    for (const gram of grams) yield { name: `g:${gram}`, weight: 1 / grams.length };
  }
}
