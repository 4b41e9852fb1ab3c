import { canonicalJsonBytes, parseJson, sha256Hex } from '@kimera/core';

/**
 * SHA-256, lower-case hex, over the canonical JSON (RFC 8785) of tokenizer.json without `truncation` and `padding`,
 * which the model's own limit replaces: the `tokenizer` part of a space's identity.
 */
export async function tokenizerIdentity(json: string): Promise<string> {
  const value = parseJson(json);
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return sha256Hex(canonicalJsonBytes(value));
  const kept = Object.fromEntries(Object.entries(value).filter(([key]) => key !== 'truncation' && key !== 'padding'));
  return sha256Hex(canonicalJsonBytes(kept));
}
