import { readdirSync, readFileSync } from 'node:fs';

/** What a process and the ones that it started have taken. */
export interface ProcessUsage {
  /** Processor seconds since they started, of all threads. */
  readonly cpuSeconds: number;
  /** Bytes that no other process shares (USS). */
  readonly privateBytes: number;
  /** Of them those that are no copy of a file. */
  readonly dirtyBytes: number;
  /** Bytes with shared pages divided among those who share them (PSS). */
  readonly proportionalBytes: number;
}

/** Ticks of /proc/PID/stat a second: the same on every Linux that Node runs on (USER_HZ). */
const TICKS = 100;

/** Undefined where there is no /proc. */
export function usageOf(pid: number): ProcessUsage | undefined {
  const processes = familyOf(pid).flatMap((member) => {
    try {
      return [usageOfOne(member)];
    } catch {
      // It has ended.
      return [];
    }
  });
  if (processes.length === 0) return undefined;
  const sum = (value: (usage: ProcessUsage) => number): number =>
    processes.reduce((total, usage) => total + value(usage), 0);
  return {
    cpuSeconds: sum(({ cpuSeconds }) => cpuSeconds),
    privateBytes: sum(({ privateBytes }) => privateBytes),
    dirtyBytes: sum(({ dirtyBytes }) => dirtyBytes),
    proportionalBytes: sum(({ proportionalBytes }) => proportionalBytes),
  };
}

/** Bytes that new processes may take before the machine swaps; infinite where the system does not say. */
export function availableBytes(): number {
  try {
    return 1_024 * Number(/^MemAvailable:\s+(\d+)/m.exec(readFileSync('/proc/meminfo', 'utf8'))?.[1]);
  } catch {
    return Number.POSITIVE_INFINITY;
  }
}

function familyOf(pid: number): readonly number[] {
  const parents = new Map<number, number>();
  try {
    for (const name of readdirSync('/proc').filter((entry) => /^\d+$/.test(entry)))
      parents.set(Number(name), statOf(Number(name)).parent);
  } catch {
    // No /proc, or a process that ended meanwhile.
  }
  const family = [pid];
  // Grows while it is walked: children, then their children.
  for (const member of family) for (const [child, parent] of parents) if (parent === member) family.push(child);
  return family;
}

function usageOfOne(pid: number): ProcessUsage {
  const rollup = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8');
  const bytes = (field: string): number =>
    1_024 * Number(new RegExp(`^${field}:\\s+(\\d+)`, 'm').exec(rollup)?.[1] ?? 0);
  return {
    cpuSeconds: statOf(pid).ticks / TICKS,
    privateBytes: bytes('Private_Clean') + bytes('Private_Dirty'),
    dirtyBytes: bytes('Private_Dirty'),
    proportionalBytes: bytes('Pss'),
  };
}

/** proc(5): after the name in parentheses come state, parent … user and system time, the 14th and 15th field. */
function statOf(pid: number): { readonly parent: number; readonly ticks: number } {
  const line = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = line.slice(line.lastIndexOf(')') + 2).split(' ');
  return { parent: Number(fields[1]), ticks: Number(fields[11]) + Number(fields[12]) };
}
