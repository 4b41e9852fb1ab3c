import { InvalidTokenizerError, UnsupportedTokenizerError } from '../errors.js';
import { MAX_VOCABULARY } from '../models/read-model.js';
import { protobufFields } from './protobuf.js';

export interface SentencePieceModel {
  readonly pieces: readonly SentencePiece[];
  /** Undefined or empty where the model does not normalise. */
  readonly charsmap: Uint8Array | undefined;
}
export interface SentencePiece {
  readonly piece: string;
  /** Log probability, float32. */
  readonly score: number;
  /** 1 normal, 2 unknown, 3 control, 4 user defined, 5 unused, 6 byte. */
  readonly type: number;
}

const UNIGRAM = 1;
const MODEL_TYPES = ['', 'Unigram', 'BPE', 'word', 'char'];

/** Field numbers of sentencepiece_model.proto (sentencepiece 0.2). @throws InvalidTokenizerError, UnsupportedTokenizerError. */
export function readSentencePieceModel(bytes: Uint8Array, source: string, file: string): SentencePieceModel {
  const pieces: SentencePiece[] = [];
  let charsmap: Uint8Array | undefined;
  let modelType = UNIGRAM;
  const message = (value: number | Uint8Array, at: string): Uint8Array => {
    if (typeof value !== 'number') return value;
    throw new InvalidTokenizerError(source, at, 'expected a message, got a number');
  };
  for (const { field, value } of protobufFields(bytes, source, file)) {
    if (field === 1) {
      if (pieces.length === MAX_VOCABULARY)
        throw new InvalidTokenizerError(source, file, `more than ${MAX_VOCABULARY} pieces`);
      const at = `${file}: piece ${pieces.length}`;
      pieces.push(readPiece(message(value, at), source, at));
    } else if (field === 2) {
      for (const spec of protobufFields(message(value, file), source, `${file}: trainer_spec`))
        if (spec.field === 3 && typeof spec.value === 'number') modelType = spec.value;
    } else if (field === 3) {
      for (const spec of protobufFields(message(value, file), source, `${file}: normalizer_spec`))
        if (spec.field === 2) charsmap = message(spec.value, `${file}: precompiled_charsmap`);
    }
  }
  if (modelType !== UNIGRAM) {
    const name = MODEL_TYPES[modelType] ?? String(modelType);
    throw new UnsupportedTokenizerError(source, file, `a SentencePiece model of type ${name}`, ['Unigram']);
  }
  if (pieces.length === 0) throw new InvalidTokenizerError(source, file, 'no pieces: not a SentencePiece model');
  return { pieces, charsmap };
}

function readPiece(bytes: Uint8Array, source: string, at: string): SentencePiece {
  let piece = '';
  let score = 0;
  let type = 1;
  for (const { field, value } of protobufFields(bytes, source, at)) {
    if (field === 1 && typeof value !== 'number') {
      try {
        piece = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(value);
      } catch {
        throw new InvalidTokenizerError(source, at, 'not UTF-8');
      }
    } else if (field === 2 && typeof value === 'number') score = value;
    else if (field === 3 && typeof value === 'number') type = value;
  }
  if (!Number.isFinite(score)) throw new InvalidTokenizerError(source, at, `the score is ${score}`);
  return { piece, score, type };
}
