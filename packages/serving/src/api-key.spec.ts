import { describe, expect, it } from '@jest/globals';
import { keyDigest, parseApiKey } from './api-key.js';

const DIGEST = '2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b';

describe('parseApiKey', () => {
  it('keeps the hash of a key, and takes the hash itself', () => {
    expect(keyDigest('secret')).toBe(DIGEST);
    expect(parseApiKey('secret')).toEqual({ digest: DIGEST, scopes: ['admin'] });
    expect(parseApiKey(`sha256:${DIGEST.toUpperCase()}`)).toEqual({ digest: DIGEST, scopes: ['admin'] });
  });

  it('reads scopes behind the last #', () => {
    expect(parseApiKey('secret#embed')).toEqual({ digest: DIGEST, scopes: ['embed'] });
    expect(parseApiKey(`sha256:${DIGEST}#search+metrics`)).toEqual({ digest: DIGEST, scopes: ['search', 'metrics'] });
  });

  it.each([
    'sha256:',
    'sha256:abc',
    `sha256:${DIGEST}0`,
    `sha256:${DIGEST}#embde`,
    '#embed',
    'a#b',
    'a#embed+b',
    'a#',
    // What no header carries as it is.
    'two words',
    'schlüssel',
    'a\tb',
    'a\u0000b',
  ])('takes no %j', (text) => {
    expect(parseApiKey(text)).toBeUndefined();
  });

  it('takes any visible character but a comma, which stands between keys', () => {
    const key = String.fromCharCode(...Array.from({ length: 94 }, (_, i) => 0x21 + i)).replace(/[,#]/g, '');
    expect(parseApiKey(key)).toEqual({ digest: keyDigest(key), scopes: ['admin'] });
  });
});
