import { canonicalJsonBytes } from './canonical-json.js';
import type { EncoderIdentity, SpaceIdentity } from './space.js';

/**
 * Changes when the meaning of the identity's fields changes, so that old and new fingerprints can never be equal by
 * accident.
 */
const IDENTITY_SCHEMA = 'kimera-space/1';

/**
 * SHA-256, lower-case hex, over the UTF-8 bytes of the canonical JSON (RFC 8785) of `{dimension, maxTokens, normalize,
 * pooling, prompts: {document, query}, schema, tokenizer, weights}`, and of the members that some spaces have.
 * docs/fingerprint.md has a worked example.
 */
export async function spaceFingerprint(identity: SpaceIdentity): Promise<string> {
  const { dimension, maxTokens, normalize, pooling, prompts, tokenizer, weights } = identity;
  const { promptPooling, defaultRole, truncationSide, modules, encoder } = identity;
  const named = namedPrompts(identity);
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
    ...(named === undefined ? {} : { namedPrompts: named }),
    ...(truncationSide === undefined ? {} : { truncationSide }),
    ...(modules === undefined ? {} : { modules: [...modules] }),
    ...(encoder === undefined ? {} : { encoder: definedOf(encoder) }),
  });
  return sha256Hex(bytes);
}

function definedOf(encoder: EncoderIdentity): Readonly<Record<string, string | number>> {
  return Object.fromEntries(
    Object.entries(encoder).filter((entry): entry is [string, string | number] => entry[1] !== undefined),
  );
}

/** Prompts that give other texts than those of the roles, and than none. */
function namedPrompts({
  prompts: { query, document },
  namedPrompts: all = {},
}: SpaceIdentity): Readonly<Record<string, string>> | undefined {
  const own = Object.entries(all).filter(([, text]) => ![query, document, ''].includes(text));
  return own.length === 0 ? undefined : Object.fromEntries(own);
}

/** SHA-256 of the bytes, lower-case hex, by the platform's WebCrypto. */
export async function sha256Hex(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  const digest = await crypto.subtle.digest('SHA-256', bytes);
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, '0')).join('');
}
