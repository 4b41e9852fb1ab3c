import { METASPACE } from './pre-tokenizers.js';

/** Pieces back to text; what normalisation dropped stays lost. */
export type Decoder = (pieces: readonly string[]) => string;

/**
 * tokenizers 0.22 decoders/wordpiece.rs: continuing pieces are glued, and with `cleanup` the spaces before punctuation
 * and contractions go.
 */
export function wordPieceDecoder(prefix: string, cleanup: boolean): Decoder {
  return (pieces) => {
    const parts = pieces.map((piece, i) => {
      const glued = i > 0 ? (piece.startsWith(prefix) ? piece.slice(prefix.length) : ` ${piece}`) : piece;
      return cleanup ? tidy(glued) : glued;
    });
    return parts.join('');
  };
}

export const metaspaceDecoder: Decoder = (pieces) => {
  const text = pieces.join('').replaceAll(METASPACE, ' ');
  return text.startsWith(' ') ? text.slice(1) : text;
};

function tidy(text: string): string {
  return text
    .replaceAll(' .', '.')
    .replaceAll(' ?', '?')
    .replaceAll(' !', '!')
    .replaceAll(' ,', ',')
    .replaceAll(" ' ", "'")
    .replaceAll(" n't", "n't")
    .replaceAll(" 'm", "'m")
    .replaceAll(' do not', " don't")
    .replaceAll(" 's", "'s")
    .replaceAll(" 've", "'ve")
    .replaceAll(" 're", "'re");
}
