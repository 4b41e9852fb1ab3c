import { hasProperty, WHITE_SPACE, WORD } from './unicode/properties.js';

/** A token that is recognised in the text itself, before it is cut into words. */
export interface AddedToken {
  readonly id: number;
  readonly content: string;
  /** Looked for in the normalised text, where it is normalised itself; otherwise in the text as it is. */
  readonly normalized: boolean;
  readonly special: boolean;
  /** Takes the white space at its left (right) with it. */
  readonly leftStrip: boolean;
  readonly rightStrip: boolean;
  /** Only where no letter, mark, digit or underscore touches it. */
  readonly singleWord: boolean;
}

export interface TextSegment {
  readonly from: number;
  readonly to: number;
  /** The added token that stands here, or undefined for ordinary text. */
  readonly token: AddedToken | undefined;
}

/**
 * Cuts a text at its added tokens: leftmost first, the longest where several start at one place. Linear in the text.
 */
export class AddedTokens {
  readonly #pattern: RegExp | undefined;
  readonly #byContent = new Map<string, AddedToken>();

  constructor(readonly tokens: readonly AddedToken[]) {
    for (const token of tokens) if (token.content !== '') this.#byContent.set(token.content, token);
    const contents = [...this.#byContent.keys()].sort((a, b) => b.length - a.length);
    if (contents.length > 0) this.#pattern = new RegExp(contents.map(escapeRegExp).join('|'), 'g');
  }

  *segments(text: string): Generator<TextSegment> {
    let from = 0;
    // Most texts have none, which a search says sooner.
    if (this.#pattern !== undefined && text.search(this.#pattern) >= 0) {
      for (const match of text.matchAll(this.#pattern)) {
        const token = this.#byContent.get(match[0]);
        let start = match.index;
        let end = start + match[0].length;
        if (token === undefined || start < from) continue;
        if (token.singleWord && (touches(characterBefore(text, start)) || touches(text.codePointAt(end)))) continue;
        if (token.leftStrip) while (start > from && isWhiteSpace(text[start - 1])) start -= 1;
        if (token.rightStrip) while (end < text.length && isWhiteSpace(text[end])) end += 1;
        if (start > from) yield { from, to: start, token: undefined };
        yield { from: start, to: end, token };
        from = end;
      }
    }
    if (from < text.length) yield { from, to: text.length, token: undefined };
  }
}

function escapeRegExp(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&');
}
function characterBefore(text: string, end: number): number | undefined {
  const pair = end >= 2 ? text.codePointAt(end - 2) : undefined;
  return pair !== undefined && pair > 0xffff ? pair : text.codePointAt(end - 1);
}
function touches(codePoint: number | undefined): boolean {
  return codePoint !== undefined && hasProperty(codePoint, WORD);
}
function isWhiteSpace(character: string | undefined): boolean {
  return character !== undefined && hasProperty(character.charCodeAt(0), WHITE_SPACE);
}
