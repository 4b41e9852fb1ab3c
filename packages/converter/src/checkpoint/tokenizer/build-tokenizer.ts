import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ifPresent } from '@kimera/core';
import { CheckpointFileMissingError } from '@kimera/tensor-file';
import {
  tokenizerJsonOfByteLevel,
  tokenizerJsonOfSentencePiece,
  tokenizerJsonOfWordPiece,
  type TokenizerSettings,
} from '@kimera/tokenizers';
import { z } from 'zod';
import { readJson } from '../json-file.js';

type Bytes = Uint8Array;
interface Builder {
  readonly files: readonly string[];
  readonly build: (files: readonly Bytes[], settings: TokenizerSettings) => string;
}

const EMPTY = new Uint8Array();
const wordPiece = (family: 'bert' | 'mpnet'): Builder => ({
  files: ['vocab.txt'],
  build: ([vocabulary = EMPTY], settings) => tokenizerJsonOfWordPiece(vocabulary, family, settings),
});
const sentencePiece = (family: 'xlm-roberta' | 'camembert'): Builder => ({
  files: ['sentencepiece.bpe.model'],
  build: ([model = EMPTY], settings) => tokenizerJsonOfSentencePiece(model, family, settings),
});
const byteLevel: Builder = {
  files: ['vocab.json', 'merges.txt'],
  build: ([vocabulary = EMPTY, merges = EMPTY], settings) => tokenizerJsonOfByteLevel({ vocabulary, merges }, settings),
};
/** What each class of transformers makes its fast tokenizer from. */
const BUILDERS: ReadonlyMap<string, Builder> = new Map([
  ['BertTokenizer', wordPiece('bert')],
  ['DistilBertTokenizer', wordPiece('bert')],
  ['ElectraTokenizer', wordPiece('bert')],
  ['MPNetTokenizer', wordPiece('mpnet')],
  ['RobertaTokenizer', byteLevel],
  ['XLMRobertaTokenizer', sentencePiece('xlm-roberta')],
  ['CamembertTokenizer', sentencePiece('camembert')],
]);

/**
 * The tokenizer.json that transformers 4.57 makes of the vocabulary of a checkpoint without one. @param name of the
 * class. @param config tokenizer_config.json. @throws CheckpointFileMissingError, InvalidTokenizerError.
 */
export async function buildTokenizer(
  folder: string,
  name: string,
  config: Readonly<Record<string, unknown>>,
): Promise<string> {
  const builder = BUILDERS.get(name);
  const files: Bytes[] = [];
  for (const file of builder?.files ?? []) {
    const bytes = await ifPresent(() => readFile(join(folder, file)));
    if (bytes !== undefined) files.push(bytes);
  }
  if (builder === undefined || files.length < builder.files.length)
    throw new CheckpointFileMissingError(
      folder,
      ['tokenizer.json', ...(builder === undefined ? [] : [builder.files.join(' and ')])].join(' or '),
    );
  const json = z.record(z.string(), z.unknown());
  return builder.build(files, {
    config,
    specialTokensMap: await readJson(folder, 'special_tokens_map.json', json),
    addedTokens: await readJson(folder, 'added_tokens.json', json),
    source: folder,
  });
}
