export {
  encodeBatch,
  inlineTokenizer,
  InvalidTokenizerError,
  parseTokenizer,
  TokenizerChangedError,
  TOKENIZER_REVISION,
  tokenizerIdentity,
  UnsupportedTokenizerError,
} from './pure.js';
export { createTokenizerPool, type TokenizerPool, type TokenizerPoolOptions } from './node/tokenizer-pool.js';
