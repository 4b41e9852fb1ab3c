import { ROLES, type EmbeddingSpace, type PromptName } from '@kimera/core';

/** The prompts of a model, by the names that a request can ask for. */
export function rolesOf({ namedPrompts = {} }: EmbeddingSpace): readonly PromptName[] {
  return [...ROLES, ...Object.keys(namedPrompts)];
}

/** `passage` is e5's word for a document, where the model has no prompt of that name. */
export function roleNamed(space: EmbeddingSpace, name: string | undefined): PromptName | undefined {
  return name === 'passage' && !rolesOf(space).includes('passage') ? 'document' : name;
}
