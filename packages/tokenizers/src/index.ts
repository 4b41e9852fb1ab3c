export * from './pure.js';
export { createTokenizerPool, type TokenizerPool } from './tokenizer-pool.js';
