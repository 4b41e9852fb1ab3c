import { Int32List } from './int32-list.js';

/**
 * Text being rewritten; where asked for, each UTF-16 unit knows the range [start, end) of the original it came from.
 */
export class MappedText {
  text = '';
  readonly starts: Int32List | undefined;
  readonly ends: Int32List | undefined;

  constructor(readonly tracking: 'offsets' | 'none') {
    if (tracking === 'offsets') {
      this.starts = new Int32List();
      this.ends = new Int32List();
    }
  }

  /** A part of the original that starts at `offset`, not yet rewritten. */
  static of(text: string, offset: number, tracking: 'offsets' | 'none'): MappedText {
    const mapped = new MappedText(tracking);
    mapped.text = text;
    if (mapped.starts === undefined || mapped.ends === undefined) return mapped;
    for (let i = 0; i < text.length;) {
      const width = (text.codePointAt(i) as number) > 0xffff ? 2 : 1;
      for (let unit = 0; unit < width; unit++) {
        mapped.starts.push(offset + i);
        mapped.ends.push(offset + i + width);
      }
      i += width;
    }
    return mapped;
  }

  /** Adds `piece`, all of whose units come from [start, end) of the original. */
  push(piece: string, start: number, end: number): void {
    this.text += piece;
    if (this.starts === undefined || this.ends === undefined) return;
    for (let i = 0; i < piece.length; i++) {
      this.starts.push(start);
      this.ends.push(end);
    }
  }

  /** Adds `piece`, which stands for [from, to) of another text. */
  pushFrom(piece: string, source: MappedText, from: number, to: number): void {
    if (this.starts === undefined) this.text += piece;
    else this.push(piece, ...source.range(from, to));
  }

  /** Adds [from, to) of another text, unit by unit; `text` where that is not what stands there. */
  copy(source: MappedText, from: number, to: number, text = source.text.slice(from, to)): void {
    if (from === to) return;
    this.text += text;
    if (this.starts === undefined || this.ends === undefined) return;
    for (let i = from; i < to; i++) {
      const [start, end] = source.range(i, i + 1);
      this.starts.push(start);
      this.ends.push(end);
    }
  }

  /** The original's range behind [from, to) of this text. */
  range(from: number, to: number): readonly [number, number] {
    if (this.starts === undefined || this.ends === undefined || to <= from) return [0, 0];
    return [this.starts.at(from), this.ends.at(to - 1)];
  }

  /** [from, to) of this text; itself where that is all of it. */
  slice(from: number, to: number): MappedText {
    if (from === 0 && to === this.text.length) return this;
    const part = new MappedText(this.tracking);
    part.copy(this, from, to);
    return part;
  }
}
