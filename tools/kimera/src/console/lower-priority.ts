import { readFileSync, writeFileSync } from 'node:fs';
import { constants, setPriority } from 'node:os';

/** Of the process, and of threads that it starts later. */
export function lowerPriority(): void {
  setPriority(constants.priority.PRIORITY_BELOW_NORMAL);
  lowerSession();
}

/**
 * Linux may share the processors among sessions first, and then priorities hold within a session alone (autogroups,
 * sched(7)). A session that this process leads, as a service does, is its own: it gets the same priority.
 */
function lowerSession(): void {
  try {
    // After the name in brackets: state, parent, group, session.
    const session = readFileSync('/proc/self/stat', 'utf8').split(') ').at(-1)?.split(' ')[3];
    if (session === String(process.pid))
      writeFileSync('/proc/self/autogroup', String(constants.priority.PRIORITY_BELOW_NORMAL));
  } catch {
    // Another system, or one without autogroups.
  }
}
