/** A URL with a password, or a keyword or parameter that gives one. */
const PASSWORD = /:\/\/[^/?#]*:[^/?#]*@|pass(word|wd)?\s*=/i;

/**
 * Every user of a machine sees the words of its processes: where one holds a password, the process shows its title alone
 * from now on.
 */
export function hideArguments(process: { readonly argv: readonly string[]; title: string }): void {
  if (process.argv.some((word) => PASSWORD.test(word))) process.title = 'kimera';
}
