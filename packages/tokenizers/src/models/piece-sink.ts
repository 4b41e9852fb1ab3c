/** Receives the tokens of a word: id and the range [from, to) of the normalised text. */
export type PieceSink = (id: number, from: number, to: number) => void;

/** Splits one word, the range [from, to) of `text`, into pieces. */
export interface PieceModel {
  encodeWord(text: string, from: number, to: number, sink: PieceSink): void;
}
