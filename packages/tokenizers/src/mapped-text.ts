import { Int32List } from './int32-list.js';

/**
 * Text being rewritten; where asked for, each UTF-16 unit knows the range [start, end) of the original it came from.
 */
export class MappedText {
  text = '';
  readonly starts: Int32List | undefined;
  readonly ends: Int32List | undefined;

  constructor(tracking: 'offsets' | 'none') {
    if (tracking === 'offsets') {
      this.starts = new Int32List();
      this.ends = new Int32List();
    }
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

  /** The original's range behind [from, to) of this text. */
  range(from: number, to: number): readonly [number, number] {
    if (this.starts === undefined || this.ends === undefined || to <= from) return [0, 0];
    return [this.starts.at(from), this.ends.at(to - 1)];
  }

  /** [from, to) of this text; itself where that is all of it. */
  slice(from: number, to: number): MappedText {
    if (from === 0 && to === this.text.length) return this;
    const part = new MappedText(this.starts === undefined ? 'none' : 'offsets');
    if (this.starts === undefined) part.text = this.text.slice(from, to);
    else for (let i = from; i < to; i++) part.push(this.text[i] as string, ...this.range(i, i + 1));
    return part;
  }
}
