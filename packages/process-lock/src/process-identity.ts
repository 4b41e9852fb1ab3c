import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';

/** A process that cannot be taken for another one: pids are used again. */
export interface ProcessIdentity {
  readonly pid: number;
  readonly host: string;
  /** Clock ticks since boot at the start of the process, where the system tells (Linux); null elsewhere. */
  readonly startTicks: string | null;
}

export function thisProcess(): ProcessIdentity {
  return { pid: process.pid, host: hostname(), startTicks: linuxProcess(process.pid)?.startTicks ?? null };
}

/** `elsewhere`: it ran on another machine or in another container, and cannot be seen from here. */
export function livenessOf({ pid, host, startTicks }: ProcessIdentity): 'alive' | 'dead' | 'elsewhere' {
  if (host !== hostname()) return 'elsewhere';
  if (!respondsToSignals(pid)) return 'dead';
  const now = linuxProcess(pid);
  if (now === undefined) return 'alive';
  // Z and X: it has ended, and its parent has not looked yet.
  if (now.state === 'Z' || now.state === 'X') return 'dead';
  return startTicks === null || startTicks === now.startTicks ? 'alive' : 'dead';
}

function respondsToSignals(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** proc(5): the fields after the name in parentheses begin with the state (field 3); field 22 is the start time. */
function linuxProcess(pid: number): { readonly state: string; readonly startTicks: string } | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const [state, startTicks] = [fields[0], fields[19]];
    return state === undefined || startTicks === undefined ? undefined : { state, startTicks };
  } catch {
    return undefined;
  }
}
