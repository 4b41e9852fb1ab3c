/** Held-out texts by what they show; none is a probe. Self-written. */
export const WITNESS_TEXTS: readonly { readonly about: string; readonly texts: readonly string[] }[] = [
  { about: 'capitals', texts: ['The QUICK Brown Fox', 'NASA and the European Union met in PARIS.', 'iPhone'] },
  {
    about: 'accents',
    texts: ['Ein schönes Café in München', 'naïve façade, résumé, Ångström', 'İstanbul, ß and ẞ'],
  },
  {
    about: 'other scripts',
    texts: ['北京是中国的首都。', 'Какая сегодня погода?', 'مرحبا بالعالم', 'ｆｕｌｌ ｗｉｄｔｈ ﬁ', 'hello 🙂 👨‍👩‍👧'],
  },
  {
    about: 'special tokens and spaces',
    texts: [
      '',
      '  two  spaces ',
      'tabs\tand\nlines',
      'a [MASK] and a [SEP]',
      'a <mask> and a </s>',
      'the [ENT] of [unused1]',
    ],
  },
];

/** A text for each prompt. */
export const PROMPTED_TEXTS: readonly string[] = ['How do I reset my PASSWORD?', 'The café reopens in March.'];

/** Limits beyond this are not tried: no encoder that is read here has so many positions. */
const LONGEST = 20_000;

/** A text of more tokens than `limit`, whose beginning and end differ in every sentence. */
export function longText(limit: number): string {
  const sentences = Math.ceil(Math.min(limit, LONGEST) / 4) + 8;
  return Array.from({ length: sentences }, (_, i) => `Section ${i} is about the number ${i * i}.`).join(' ');
}
