import { readFileSync } from 'node:fs';

/** How often the launchers are looked for. */
const LOOK_MILLISECONDS = 250;

/** Programs that start another and wait for it: npm, npx and nx, and the shells between them. */
const LAUNCHER = /^npm |(?:^|\/)(?:npm|npx|nx)(?:-cli\.js)? /;
const SHELL = /^(?:\S*\/)?(?:da|ba|z)?sh -c /;

interface ProcessEntry {
  readonly parent: number;
  readonly command: string;
}

/**
 * Calls back once where one of the programs that launched this process has ended: `npx nx serve api` is four of them, a
 * signal to the first does not reach the last, which would serve on unseen. Nothing is watched where a person or a
 * supervisor started the process itself, nor where the system has no /proc.
 * @returns what ends the watch.
 */
export function onLauncherGone(gone: () => void, entryOf = readEntry): () => void {
  const launchers = launchersOf(process.ppid, entryOf);
  if (launchers.length === 0) return () => undefined;
  const watch = setInterval(() => {
    let parent = process.ppid;
    for (const launcher of launchers) {
      if (parent !== launcher) {
        clearInterval(watch);
        gone();
        return;
      }
      parent = entryOf(launcher)?.parent ?? -1;
    }
  }, LOOK_MILLISECONDS).unref();
  return () => clearInterval(watch);
}

/** From the parent upwards; a shell counts where it stands between two of them. */
function launchersOf(parent: number, entryOf: typeof readEntry): readonly number[] {
  const entry = entryOf(parent);
  if (entry === undefined) return [];
  const above = LAUNCHER.test(entry.command) || SHELL.test(entry.command) ? launchersOf(entry.parent, entryOf) : [];
  return LAUNCHER.test(entry.command) || above.length > 0 ? [parent, ...above] : [];
}

function readEntry(pid: number): ProcessEntry | undefined {
  try {
    // The name, in parentheses, may hold anything.
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const [, parent = ''] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replace(/\0+/g, ' ');
    return { parent: Number(parent), command: command.replace(/^\S*\bnode /, '') };
  } catch {
    return undefined;
  }
}
