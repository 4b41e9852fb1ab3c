export {
  type ByteLevelFiles,
  encodeBatch,
  inlineTokenizer,
  InvalidTokenizerError,
  parseTokenizer,
  type SentencePieceFamily,
  SPECIAL_TOKEN_ATTRIBUTES,
  TokenizerChangedError,
  TOKENIZER_REVISION,
  tokenizerIdentity,
  tokenizerJsonOfByteLevel,
  tokenizerJsonOfSentencePiece,
  tokenizerJsonOfWordPiece,
  type TokenizerSettings,
  UnsupportedTokenizerError,
  type WordPieceFamily,
} from './pure.js';
export {
  createTokenizerPool,
  type TokenizerPool,
  tokenizerPool,
  type TokenizerPoolOptions,
  type TokenizerThreads,
} from './node/tokenizer-pool.js';
export type { ReadTokenizer } from './node/read-tokenizer.js';
