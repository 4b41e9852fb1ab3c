/** Commands that are run together, and the exit code that the page says they end with. */
export interface Step {
  readonly script: string;
  readonly exitCode: number;
}

const CODE = /#.*\bexit code (\d+)/;

/**
 * A block is one script. Where a line says `# exit code N`, each line of the block is a script of its own, and this one
 * must end with N.
 */
export function splitCommands(text: string): readonly Step[] {
  if (!CODE.test(text)) return [{ script: text, exitCode: 0 }];
  return text
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((script) => ({ script, exitCode: Number(CODE.exec(script)?.[1] ?? 0) }));
}
