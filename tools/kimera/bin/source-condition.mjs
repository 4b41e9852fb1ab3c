/** Resolves every import as `node --conditions=@kimera/source` does. */
export function resolve(specifier, context, next) {
  return next(specifier, { ...context, conditions: [...context.conditions, '@kimera/source'] });
}
