// What browsers can import: all but the pool of worker threads.
export { encodeBatch, inlineTokenizer } from './encode-batch.js';
export { InvalidTokenizerError, TokenizerChangedError, UnsupportedTokenizerError } from './errors.js';
export { parseTokenizer } from './parse-tokenizer.js';
export { tokenizerIdentity } from './tokenizer-identity.js';
export { TOKENIZER_REVISION } from './tokenizer-revision.js';
export { type ByteLevelFiles, tokenizerJsonOfByteLevel } from './build/byte-level.js';
export { type SentencePieceFamily, tokenizerJsonOfSentencePiece } from './build/sentence-piece.js';
export { SPECIAL_TOKEN_ATTRIBUTES, type TokenizerSettings } from './build/special-tokens.js';
export { tokenizerJsonOfWordPiece, type WordPieceFamily } from './build/word-piece.js';
