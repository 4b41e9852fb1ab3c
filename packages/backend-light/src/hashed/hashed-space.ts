import { canonicalJsonBytes, type EmbeddingSpace, sha256Hex, spaceFingerprint, type SpaceIdentity } from '@kimera/core';
import { InvalidHashedOptionsError } from '../errors.js';

/** Changes when features, weights or the hash do, so that vectors of two rules never share a space. */
const RULE = 'kimera-hashed/1';
const TOKENIZER_RULE = 'kimera-code-points/1';

export interface HashedOptions {
  /** D; default 384. */
  readonly dimension?: number;
  /** A whole number from 0 to 2³² - 1: models of two seeds have nothing in common. Default 0. */
  readonly seed?: number;
  /** Code points a text may have, and one; default 8,192. */
  readonly maxTokens?: number;
}

/** The space of a hashed model, named by its parameters. @throws InvalidHashedOptionsError. */
export async function hashedSpace({
  dimension = 384,
  seed = 0,
  maxTokens = 8_192,
}: HashedOptions = {}): Promise<EmbeddingSpace> {
  check('dimension', dimension, 2, 65_536);
  check('seed', seed, 0, 0xffffffff);
  check('maxTokens', maxTokens, 1, 1_000_000);
  const digest = (value: Parameters<typeof canonicalJsonBytes>[0]): Promise<string> =>
    sha256Hex(canonicalJsonBytes(value));
  const identity: SpaceIdentity = {
    weights: await digest({ rule: RULE, dimension, seed }),
    tokenizer: await digest({ rule: TOKENIZER_RULE }),
    maxTokens,
    pooling: ['mean'],
    normalize: true,
    prompts: { query: '', document: '' },
    dimension,
  };
  return {
    ...identity,
    fingerprint: await spaceFingerprint(identity),
    modelId: `kimera/hashed-${dimension}`,
    heads: ['dense'],
  };
}

function check(option: string, value: number, least: number, most: number): void {
  if (!Number.isInteger(value) || value < least || value > most)
    throw new InvalidHashedOptionsError(option, value, least, most);
}
