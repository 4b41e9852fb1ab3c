/** Texts that break naive code, each valid input: they must give a vector like any other. */
export const UNUSUAL_TEXTS: readonly string[] = [
  '',
  ' ',
  '\n\t\u00a0',
  '\0',
  'before\0after',
  '\ud800',
  'a\udc00b',
  'e\u0301 \u00e9',
  '👩‍👩‍👧‍👦 🏳️‍🌈',
  '\u202eright to left\u202c',
  'Привет мир',
  '中文文本',
  'ﬁ ﬂ ①',
  '[CLS] [SEP] <s> </s> <mask>',
  '__proto__',
  'constructor',
];
