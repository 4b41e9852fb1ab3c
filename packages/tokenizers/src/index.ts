export * from './pure.js';
export { createTokenizerPool, type TokenizerPool, type TokenizerPoolOptions } from './tokenizer-pool.js';
