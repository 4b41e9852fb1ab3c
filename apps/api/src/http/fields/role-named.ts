import { ROLES, type EmbeddingSpace, type PromptName } from '@kimera/core';
import { HttpError } from '../../errors.js';
import { describe } from './plain-words.js';

/** The prompts of a model, by the names that a request can ask for. */
export function rolesOf({ namedPrompts = {} }: EmbeddingSpace): readonly PromptName[] {
  return [...ROLES, ...Object.keys(namedPrompts)];
}

/**
 * `passage` is e5's word for a document, where the model has no prompt of that name. @param field of the body that holds
 * the name. @throws HttpError where the model has none.
 */
export function roleNamed(space: EmbeddingSpace, name: string | undefined, field: string): PromptName | undefined {
  if (name === undefined) return undefined;
  const known = rolesOf(space);
  if (known.includes(name)) return name;
  if (name === 'passage') return 'document';
  const names = known.map((one) => JSON.stringify(one)).join(' or ');
  throw new HttpError('invalid_request', `${field}: expected ${names}, got ${describe(name)}`, field);
}
