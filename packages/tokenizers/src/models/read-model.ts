import { toWellFormed } from '@kimera/core';
import type { JsonReader } from '../json/json-reader.js';
import type { PieceModel } from '../stages.js';
import { BytePairEncoding, type Merge } from './byte-pair-encoding.js';
import { Unigram } from './unigram.js';
import { WordCache } from './word-cache.js';
import { WordPiece } from './word-piece.js';

/** Ids of a tokenizer: four times the largest vocabulary of this family of models (250,037 rows). */
export const MAX_VOCABULARY = 1_000_000;

export interface ParsedModel {
  readonly model: PieceModel;
  /** By id. */
  readonly pieces: (string | undefined)[];
  readonly ids: ReadonlyMap<string, number>;
}

/** The `model` of a tokenizer.json. */
export function readModel(model: JsonReader): ParsedModel {
  const type = model.field('type');
  // Files of before 2020 have no type; the library reads one with merges as BPE.
  const name = type.isNull && !model.field('merges').isNull ? 'BPE' : type.string();
  if (name === 'WordPiece') return readWordPiece(model);
  if (name === 'Unigram') return readUnigram(model);
  if (name === 'BPE') return readBytePairEncoding(model);
  return model.unsupported(`model ${name}`, ['WordPiece', 'Unigram', 'BPE']);
}

interface Vocabulary {
  readonly ids: ReadonlyMap<string, number>;
  readonly pieces: (string | undefined)[];
}

function readVocabulary(vocabulary: JsonReader): Vocabulary {
  const ids = new Map<string, number>();
  const pieces: (string | undefined)[] = [];
  for (const [piece, id] of vocabulary.entries()) {
    if (typeof id !== 'number' || !Number.isInteger(id) || id < 0 || id >= MAX_VOCABULARY) {
      return vocabulary.fail(`the id of ${shown(piece)} is not a whole number between 0 and ${MAX_VOCABULARY - 1}`);
    }
    if (pieces[id] !== undefined) return vocabulary.fail(`${shown(piece)} and ${shown(pieces[id])} share the id ${id}`);
    if (toWellFormed(piece) !== piece) return vocabulary.fail(`${shown(piece)} holds half a surrogate pair`);
    ids.set(piece, id);
    pieces[id] = piece;
  }
  return { ids, pieces };
}

function readWordPiece(model: JsonReader): ParsedModel {
  const { ids, pieces } = readVocabulary(model.field('vocab'));
  const unknownId = readUnknown(model, ids, model.field('unk_token').string());
  const maxCharactersPerWord = model.field('max_input_chars_per_word').integer({ min: 0, max: 10_000 });
  const continuingPrefix = model.field('continuing_subword_prefix').string();
  return {
    model: new WordCache(new WordPiece({ vocabulary: ids, unknownId, continuingPrefix, maxCharactersPerWord })),
    pieces,
    ids,
  };
}

function readUnknown(model: JsonReader, ids: ReadonlyMap<string, number>, unknown: string): number {
  return ids.get(unknown) ?? model.fail(`the unknown token ${shown(unknown)} is not in the vocabulary`);
}

function readUnigram(model: JsonReader): ParsedModel {
  if (model.field('byte_fallback').boolean(false))
    return model.unsupported('byte_fallback', ['Unigram without byte_fallback']);
  const vocabulary = model.field('vocab');
  const list = vocabulary.list();
  if (list.length === 0 || list.length > MAX_VOCABULARY)
    return vocabulary.fail(`${list.length} pieces, between 1 and ${MAX_VOCABULARY} are needed`);
  const pieces: string[] = [];
  const scores = new Float64Array(list.length);
  const ids = new Map<string, number>();
  list.forEach((entry, id) => {
    const pair: readonly unknown[] = Array.isArray(entry) ? entry : [];
    const [piece, score] = pair;
    if (pair.length !== 2 || typeof piece !== 'string' || typeof score !== 'number' || !Number.isFinite(score))
      return vocabulary.fail(`entry ${id} is not [piece, score]`);
    if (toWellFormed(piece) !== piece) return vocabulary.fail(`entry ${id} holds half a surrogate pair`);
    pieces.push(piece);
    scores[id] = score;
    ids.set(piece, id);
    return undefined;
  });
  const unknownId = model.field('unk_id').integer({ min: 0, max: list.length - 1 });
  return { model: new WordCache(new Unigram({ pieces, scores, unknownId })), pieces, ids };
}

function readBytePairEncoding(model: JsonReader): ParsedModel {
  for (const name of ['byte_fallback', 'dropout'] as const) {
    const { value } = model.field(name);
    if (value !== undefined && value !== null && value !== false && value !== 0)
      return model.unsupported(name, [`BPE without ${name}`]);
  }
  const { ids, pieces } = readVocabulary(model.field('vocab'));
  const text = (name: string): string => (model.field(name).isNull ? '' : model.field(name).string());
  const continuingPrefix = text('continuing_subword_prefix');
  const unknown = model.field('unk_token');
  const bpe = new BytePairEncoding({
    vocabulary: ids,
    merges: readMerges(model.field('merges'), ids, continuingPrefix),
    unknownId: unknown.isNull ? undefined : readUnknown(model, ids, unknown.string()),
    fuseUnknown: model.field('fuse_unk').boolean(false),
    ignoreMerges: model.field('ignore_merges').boolean(false),
    continuingPrefix,
    endSuffix: text('end_of_word_suffix'),
  });
  return { model: new WordCache(bpe), pieces, ids };
}

/** `"left right"`, or `["left", "right"]`, which alone can hold pieces with spaces. */
function readMerges(reader: JsonReader, ids: ReadonlyMap<string, number>, prefix: string): readonly Merge[] {
  const list = reader.list();
  if (list.length > MAX_VOCABULARY) return reader.fail(`${list.length} merges, the limit is ${MAX_VOCABULARY}`);
  // The heading of merges.txt, which old files carry along.
  const entries = list.filter((entry) => typeof entry !== 'string' || !entry.startsWith('#version'));
  return entries.map((entry, i) => {
    const pair: readonly unknown[] = typeof entry === 'string' ? entry.split(' ') : Array.isArray(entry) ? entry : [];
    const [left, right, ...others] = pair;
    if (typeof left !== 'string' || typeof right !== 'string' || others.length > 0)
      return reader.fail(`entry ${i} is not a pair of pieces`);
    const id = (piece: string): number =>
      ids.get(piece) ?? reader.fail(`entry ${i}: ${shown(piece)} is not in the vocabulary`);
    if (!right.startsWith(prefix))
      return reader.fail(`entry ${i}: ${shown(right)} does not start with ${shown(prefix)}`);
    return { left: id(left), right: id(right), merged: id(left + right.slice(prefix.length)) };
  });
}

function shown(piece: string): string {
  return JSON.stringify(piece.slice(0, 40));
}
