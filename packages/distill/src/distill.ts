import type { InferenceBackend, Tokenizer } from '@kimera/core';
import { parseTokenizer } from '@kimera/tokenizers/pure';
import { DistillOptionsError } from './errors.js';
import { TimeSlice, type TokenTable } from '@kimera/backend-light/pure';
import { embedTokens } from './embed-tokens.js';
import { fitToTexts } from './fit-to-texts.js';
import { principalComponents, project, type Pause } from './principal-components.js';
import { sifWeights } from './sif-weights.js';
import { setSpecialRows } from './special-rows.js';
import { vocabularyTexts } from './vocabulary-texts.js';

/** Chosen on texts that were held out (docs/decisions/2026-11-25-static-distillation.md). */
export const FIT = { hold: 5, rounds: 2, steps: 8 } as const;
/** Places that a vocabulary keeps for later: no text is made of them. */
const UNUSED = /^\[unused\d+\]$/;

export interface DistillProgress {
  readonly phase: 'vocabulary' | 'texts' | 'components' | 'fit';
  /** Tokens embedded, or steps done, of all in this phase. */
  readonly done: number;
  readonly total: number;
}

export interface DistillOptions {
  /** The teacher. */
  readonly backend: InferenceBackend;
  /** The teacher's tokenizer.json, which becomes the static model's. */
  readonly tokenizerJson: string;
  /** D, at most the teacher's. */
  readonly dimension: number;
  /**
   * Texts of the kind that will be embedded, more than D of them. Without any, the table comes from the vocabulary
   * alone.
   */
  readonly texts?: readonly string[];
  readonly onProgress?: (progress: DistillProgress) => void;
  readonly signal?: AbortSignal;
}

export type DistilledTable = TokenTable & {
  readonly rows: Float32Array;
  /** Texts of more tokens than the teacher takes, whose beginnings it saw. */
  readonly truncatedTexts: number;
};

/**
 * The teacher as a table of token vectors [V, D]. Every token goes through the teacher alone; the vectors are centred,
 * reduced to the D directions in which the vectors of the texts (of the tokens, where there are no texts) differ most,
 * and weighted by how rare the token is. With texts they are then moved so that a text's sum comes near the teacher's
 * vector of it ({@link fitToTexts}). Equal vectors of the teacher give equal bits.
 * @throws DistillOptionsError, the teacher's and the tokenizer's errors, the signal's reason.
 */
export async function distill(options: DistillOptions): Promise<DistilledTable> {
  const {
    backend: { space },
    tokenizerJson,
    dimension,
    texts = [],
    onProgress,
  } = options;
  if (!Number.isInteger(dimension) || dimension < 1 || dimension > space.dimension)
    throw new DistillOptionsError(`${dimension} numbers are asked for, the teacher has ${space.dimension}`);
  const tokenizer = parseTokenizer(tokenizerJson, 'tokenizer.json');
  const { vocabularySize } = tokenizer;
  const isWord = (token: number): boolean => !tokenizer.isSpecial(token) && !UNUSED.test(tokenizer.token(token) ?? '');
  const words = Array.from({ length: vocabularySize }, (_, token) => token).filter(isWord);
  if (words.length <= dimension)
    throw new DistillOptionsError(`a vocabulary of ${words.length} words does not span ${dimension} dimensions`);
  const sentences = textsWithWords(tokenizer, texts, space.maxTokens, isWord);
  if (texts.length > 0 && sentences.length <= dimension)
    throw new DistillOptionsError(`${sentences.length} different texts with words do not span ${dimension} dimensions`);

  const alone = await embed(options, 'vocabulary', vocabularyTexts(tokenizer));
  const sentenceVectors = await embed(
    options,
    'texts',
    sentences.map(({ ids }) => ids),
  );
  onProgress?.({ phase: 'components', done: 0, total: 1 });
  const pause = pauseOf(options);
  const ownProjection = await principalComponents(
    selectRows(alone, words, space.dimension),
    space.dimension,
    dimension,
    pause,
  );
  const projection =
    sentences.length === 0
      ? ownProjection
      : await principalComponents(sentenceVectors, space.dimension, dimension, pause);
  const directions = await project({ mean: ownProjection.mean, components: projection.components }, alone, pause);
  const weights = sifWeights(vocabularySize, isWord);
  let rows: Float32Array = directions.map((value, i) => value * (weights[Math.floor(i / dimension)] as number));
  if (sentences.length > 0) {
    const targets = await project(projection, sentenceVectors, pause);
    const beforeStep = (done: number, total: number): Promise<void> => {
      onProgress?.({ phase: 'fit', done, total });
      return pause();
    };
    rows = await fitToTexts(
      rows,
      dimension,
      { texts: sentences.map((sentence) => sentence.words), targets },
      { ...FIT, beforeStep },
    );
  }
  setSpecialRows(rows, directions, dimension, isWord);
  return { dimension, vocabularySize, rows, truncatedTexts: sentences.filter(({ truncated }) => truncated).length };
}

interface Sentence {
  readonly truncated: boolean;
  readonly ids: Int32Array;
  readonly words: Int32Array;
}

/** The different texts as the teacher sees them, and their words; texts without words are left out. */
function textsWithWords(
  tokenizer: Tokenizer,
  texts: readonly string[],
  maxTokens: number,
  isWord: (token: number) => boolean,
): readonly Sentence[] {
  return [...new Set(texts)].flatMap((text) => {
    const { ids, truncated } = tokenizer.encode(text, { maxTokens });
    const words = ids.filter(isWord);
    return words.length === 0 ? [] : [{ ids, words, truncated }];
  });
}

function embed(
  { backend, onProgress, signal }: DistillOptions,
  phase: 'vocabulary' | 'texts',
  texts: readonly Int32Array[],
): Promise<Float32Array> {
  const total = texts.reduce((sum, { length }) => sum + length, 0);
  let done = 0;
  return embedTokens(backend, texts, {
    signal,
    onTokens: (tokens) => onProgress?.({ phase, done: (done += tokens), total }),
  });
}

/** Other work has its turn, and a stop is heard. */
function pauseOf({ signal }: DistillOptions): Pause {
  const slice = new TimeSlice();
  return async () => {
    await slice.pause();
    signal?.throwIfAborted();
  };
}

/** Rows of [V, N], one after the other. */
function selectRows(vectors: Float32Array, rows: readonly number[], size: number): Float32Array {
  const selected = new Float32Array(rows.length * size);
  rows.forEach((row, i) => selected.set(vectors.subarray(row * size, (row + 1) * size), i * size));
  return selected;
}
