/**
 * Beginnings of texts, `count` of them from all parts of the list, each once: every text after each of its words, or of
 * its characters where it is written without spaces. A
 * model may stand at a fork before a text that has no end: in multilingual-e5-small a hair decides there whether the
 * last token takes part in the attention or
 * becomes its sink, and the vector is another one.
 */
export function textBeginnings(texts: readonly string[], count: number): readonly string[] {
  const beginnings = texts.flatMap((text) => {
    const separator = text.includes(' ') ? ' ' : '';
    const parts = separator === '' ? Array.from(text) : text.split(separator);
    return parts.slice(1).map((_, i) =>
      parts
        .slice(0, i + 1)
        .join(separator)
        .replace(/[\s\p{P}]+$/u, ''),
    );
  });
  const distinct = [...new Set(beginnings)].filter((text) => text !== '');
  const step = Math.max(1, distinct.length / count);
  return Array.from({ length: Math.min(count, distinct.length) }, (_, i) => distinct[Math.floor(i * step)] as string);
}
