import type { JsonReader } from './json/json-reader.js';
import { BYTE_CHARACTERS } from './pre-tokenizers/byte-level.js';
import { METASPACE } from './pre-tokenizers/metaspace.js';
import { readPrepend } from './pre-tokenizers/read-pre-tokenizer.js';

/** Pieces back to text; what normalisation dropped stays lost. */
export type Decoder = (pieces: readonly string[]) => string;

/** The `decoder` of a tokenizer.json. */
export function readDecoder(reader: JsonReader): Decoder {
  if (reader.isNull) return (pieces) => pieces.join(' ');
  const type = reader.field('type').string();
  if (type === 'WordPiece')
    return wordPieceDecoder(reader.field('prefix').string(), reader.field('cleanup').boolean(true));
  if (type === 'Metaspace') return metaspaceDecoder(readPrepend(reader) !== 'never');
  if (type === 'ByteLevel') return byteLevelDecoder;
  if (type === 'BPEDecoder') return suffixDecoder(reader.field('suffix').string());
  return reader.unsupported(`decoder ${type}`, ['WordPiece', 'Metaspace', 'ByteLevel', 'BPEDecoder']);
}

/**
 * tokenizers 0.22 decoders/wordpiece.rs: continuing pieces are glued, and with `cleanup` the spaces before punctuation
 * and contractions go.
 */
function wordPieceDecoder(prefix: string, cleanup: boolean): Decoder {
  return (pieces) => {
    const parts = pieces.map((piece, i) => {
      const glued = i > 0 ? (piece.startsWith(prefix) ? piece.slice(prefix.length) : ` ${piece}`) : piece;
      return cleanup ? tidy(glued) : glued;
    });
    return parts.join('');
  };
}

/** ▁ becomes a space; those of the first piece were put there, where any are. */
function metaspaceDecoder(prepends: boolean): Decoder {
  return (pieces) => pieces.map((piece, i) => piece.replaceAll(METASPACE, i === 0 && prepends ? '' : ' ')).join('');
}

/** The end of a word becomes a space, but for the last. */
function suffixDecoder(suffix: string): Decoder {
  return (pieces) =>
    pieces
      .map((piece, i) => (suffix === '' ? piece : piece.replaceAll(suffix, i === pieces.length - 1 ? '' : ' ')))
      .join('');
}

const BYTES: ReadonlyMap<string, number> = new Map(BYTE_CHARACTERS.map((character, byte) => [character, byte]));

/** Characters back to bytes; a piece with any that is no byte's is taken as it is. */
const byteLevelDecoder: Decoder = (pieces) => {
  const encoder = new TextEncoder();
  const bytes = pieces.flatMap((piece) => {
    const known = Array.from(piece, (character) => BYTES.get(character));
    return known.every((byte) => byte !== undefined) ? known : [...encoder.encode(piece)];
  });
  return new TextDecoder('utf-8', { ignoreBOM: true }).decode(Uint8Array.from(bytes));
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
