/**
 * `count` beginnings of texts, spread over the whole list, each once: every text after each of its words, or after each
 * character where it is written without spaces. Among them are texts whose vector depends strongly on small errors: in
 * multilingual-e5-small, for some texts without a mark at the end, a small difference decides whether most attention
 * goes to the last token, and with it the vector.
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
