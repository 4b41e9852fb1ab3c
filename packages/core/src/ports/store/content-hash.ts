import { sha256Hex } from '../../fingerprint.js';
import { toWellFormed } from '../../text.js';

/**
 * `SourceRow.contentHash` of a text: SHA-256 of its UTF-8 bytes, lower-case hex. A store computes the same where the
 * row lies.
 */
export function contentHash(text: string): Promise<string> {
  return sha256Hex(new TextEncoder().encode(toWellFormed(text)));
}
