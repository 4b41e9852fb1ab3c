import { MappedText } from './mapped-text.js';
import type { PreTokenizer, WordSink } from './stages.js';

/**
 * A word: one punctuation character (Unicode P, or ASCII punctuation, which includes symbols such as $), or a run of
 * others between white space.
 */
const WORD = /[\p{P}!-/:-@[-`{-~]|[^\p{White_Space}\p{P}!-/:-@[-`{-~]+/gu;

export const bertPreTokenizer: PreTokenizer = {
  split(text: MappedText, sink: WordSink): void {
    for (const match of text.text.matchAll(WORD)) sink(text, match.index, match.index + match[0].length);
  },
};

/** The character that stands for a space, U+2581. */
export const METASPACE = '\u2581';

/** Spaces become ▁, one is put in front where there is none, and words start at each ▁. */
export const metaspace: PreTokenizer = {
  split(text: MappedText, sink: WordSink): void {
    splitRange(text, 0, text.text.length, sink);
  },
};

/** The same, and the whole text is one word. */
export const wholeMetaspace: PreTokenizer = {
  split(text: MappedText, sink: WordSink): void {
    const out = replaceSpaces(text, 0, text.text.length);
    if (out.text !== '') sink(out, 0, out.text.length);
  },
};

/** White space separates and is dropped, then each word goes through Metaspace. */
export const whitespaceThenMetaspace: PreTokenizer = {
  split(text: MappedText, sink: WordSink): void {
    for (const match of text.text.matchAll(/\P{White_Space}+/gu))
      splitRange(text, match.index, match.index + match[0].length, sink);
  },
};

function splitRange(source: MappedText, from: number, to: number, sink: WordSink): void {
  const out = replaceSpaces(source, from, to);
  for (let word = 0; word < out.text.length;) {
    const next = out.text.indexOf(METASPACE, word + 1);
    const end = next < 0 ? out.text.length : next;
    sink(out, word, end);
    word = end;
  }
}

/** [from, to) with ▁ for spaces and at the start; nothing for nothing. */
function replaceSpaces(source: MappedText, from: number, to: number): MappedText {
  const out = new MappedText(source.starts === undefined ? 'none' : 'offsets');
  if (to <= from) return out;
  const replaced = source.text.slice(from, to).replaceAll(' ', METASPACE);
  if (!replaced.startsWith(METASPACE)) {
    // The added ▁ has no width: it stands where the text starts.
    const [start] = source.range(from, from + 1);
    out.push(METASPACE, start, start);
  }
  if (source.starts === undefined) out.push(replaced, 0, 0);
  else {
    for (let i = 0; i < replaced.length; i++) {
      const [start, end] = source.range(from + i, from + i + 1);
      out.push(replaced[i] as string, start, end);
    }
  }
  return out;
}
