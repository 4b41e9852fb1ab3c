import { UnknownRoleError } from './errors.js';
import { type EmbeddingSpace, ROLES } from './space.js';

/**
 * What stands before a text of this role; a role is `query`, `document` or the name of another prompt of the
 * space; a text without one gets the prompt of the space's default role, or none.
 * @throws UnknownRoleError.
 */
export function promptOf(
  { prompts, namedPrompts = {}, defaultRole }: EmbeddingSpace,
  role: string | undefined,
): string {
  const actual = role ?? defaultRole;
  if (actual === undefined) return '';
  if (actual === 'query' || actual === 'document') return prompts[actual];
  const named = Object.hasOwn(namedPrompts, actual) ? namedPrompts[actual] : undefined;
  if (named === undefined) throw new UnknownRoleError(actual, [...ROLES, ...Object.keys(namedPrompts)]);
  return named;
}
