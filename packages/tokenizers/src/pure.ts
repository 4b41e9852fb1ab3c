// What browsers can import: all but the pool of worker threads.
export { encodeBatch } from './encode-batch.js';
export { InvalidEncodeOptionsError } from './errors/invalid-encode-options-error.js';
export { InvalidTokenizerError } from './errors/invalid-tokenizer-error.js';
export { TokenizerChangedError } from './errors/tokenizer-changed-error.js';
export { UnsupportedTokenizerError } from './errors/unsupported-tokenizer-error.js';
export { inlineTokenizer } from './inline-tokenizer.js';
export { parseTokenizer } from './parse-tokenizer.js';
export { tokenizerIdentity } from './tokenizer-identity.js';
