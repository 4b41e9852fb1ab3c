/**
 * Whether `printed` is what a page shows. `…` in the page stands for whatever differs between machines, a line with
 * nothing else for any lines; how much white space there is does not count.
 */
export function showsOutput(shown: string, printed: string): boolean {
  const pattern = shown
    .trim()
    .split(/\s*…\s*/)
    .map((part) => part.split(/\s+/).map(literally).join('\\s*'))
    .join('[^]*?');
  return new RegExp(`(^|\\n)\\s*${pattern}\\s*(\\n|$)`).test(printed);
}

function literally(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');
}
