import { createHash } from 'node:crypto';

/** What a key may do: `embed` all that makes or compares vectors, `search` collections, `metrics` /metrics, `admin` all. */
export const SCOPES = ['embed', 'search', 'metrics', 'admin'] as const;
export type Scope = (typeof SCOPES)[number];

/** A key as the server keeps it: what was given is not in it. */
export interface ApiKey {
  /** SHA-256, in hexadecimal. */
  readonly digest: string;
  readonly scopes: readonly Scope[];
}

const isScope = (name: string): name is Scope => (SCOPES as readonly string[]).includes(name);

/** What the header Authorization carries as it is: visible ASCII. Another key could never be matched. */
const CARRIED = /^[\x21-\x7e]+$/;

/**
 * `KEY`, or `sha256:` and 64 hexadecimal digits of it; then `#embed+search` where it may not do all. A key that has a `#` itself is given as its
 * hash. Undefined: neither.
 */
export function parseApiKey(text: string): ApiKey | undefined {
  const hash = text.lastIndexOf('#');
  const names = hash < 0 ? ['admin'] : text.slice(hash + 1).split('+');
  // A misspelt scope must not become a part of a key that may do all.
  if (!names.every(isScope)) return undefined;
  const key = hash < 0 ? text : text.slice(0, hash);
  const scopes = names;
  if (!key.startsWith('sha256:')) return CARRIED.test(key) ? { digest: keyDigest(key), scopes } : undefined;
  const digest = key.slice('sha256:'.length).toLowerCase();
  return /^[0-9a-f]{64}$/.test(digest) ? { digest, scopes } : undefined;
}

/** SHA-256 of a key, in hexadecimal: keys are long and random, so that no slower hash is needed. */
export function keyDigest(key: string): string {
  return createHash('sha256').update(key).digest('hex');
}
