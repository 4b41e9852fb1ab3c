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
export { createTokenizerPool, type TokenizerPool, type TokenizerPoolOptions } from './node/tokenizer-pool.js';
