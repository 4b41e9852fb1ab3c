import { sha256Hex } from './fingerprint.js';

/** Lone surrogates replaced by U+FFFD: what every tokenizer and hash sees, since UTF-8 cannot carry them. */
export function toWellFormed(text: string): string {
  return SURROGATE.test(text) && LONE_SURROGATE.test(text) ? text.replace(LONE_SURROGATES, '\uFFFD') : text;
}

/** Most texts have none, which is found sooner than that none is alone. */
const SURROGATE = /[\uD800-\uDFFF]/;
const LONE = '[\\uD800-\\uDBFF](?![\\uDC00-\\uDFFF])|(?<![\\uD800-\\uDBFF])[\\uDC00-\\uDFFF]';
const LONE_SURROGATE = new RegExp(LONE);
const LONE_SURROGATES = new RegExp(LONE, 'g');

/**
 * `SourceRow.contentHash` of a text: SHA-256 of its UTF-8 bytes, lower-case hex. A store computes the same where the
 * row lies.
 */
export function contentHash(text: string): Promise<string> {
  return sha256Hex(new TextEncoder().encode(toWellFormed(text)));
}
