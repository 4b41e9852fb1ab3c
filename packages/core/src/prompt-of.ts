import { UnknownRoleError } from './errors.js';
import type { EmbeddingSpace } from './space.js';

/**
 * What stands before a text of this role; a text without a role gets the prompt of the space's default role, or none.
 * @throws UnknownRoleError.
 */
export function promptOf({ prompts, defaultRole }: EmbeddingSpace, role: string | undefined): string {
  const actual = role ?? defaultRole;
  if (actual === undefined) return '';
  if (actual !== 'query' && actual !== 'document') throw new UnknownRoleError(actual);
  return prompts[actual];
}
