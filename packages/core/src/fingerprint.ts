import { canonicalJsonBytes } from './canonical-json.js';
import type { SpaceIdentity } from './space.js';

/**
 * Changes when the meaning of the identity's fields changes, so that old and new fingerprints can never be equal by
 * accident.
 */
const IDENTITY_SCHEMA = 'kimera-space/1';

/**
 * SHA-256, lower-case hex, over the UTF-8 bytes of the canonical JSON (RFC 8785) of `{dimension, maxTokens, normalize,
 * pooling, prompts: {document, query}, schema, tokenizer, weights}`, and of `defaultRole` and `promptPooling` where the
 * space has them. docs/fingerprint.md has a worked example.
 */
export async function spaceFingerprint(identity: SpaceIdentity): Promise<string> {
  const { dimension, maxTokens, normalize, pooling, prompts, tokenizer, weights, promptPooling, defaultRole } =
    identity;
  const bytes = canonicalJsonBytes({
    schema: IDENTITY_SCHEMA,
    weights,
    tokenizer,
    maxTokens,
    pooling: [...pooling],
    normalize,
    prompts: { query: prompts.query, document: prompts.document },
    dimension,
    ...(promptPooling === undefined ? {} : { promptPooling }),
    ...(defaultRole === undefined ? {} : { defaultRole }),
  });
  return sha256Hex(bytes);
}

/** SHA-256 of the bytes, lower-case hex, by the platform's WebCrypto. */
export async function sha256Hex(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  const digest = await crypto.subtle.digest('SHA-256', bytes);
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, '0')).join('');
}
