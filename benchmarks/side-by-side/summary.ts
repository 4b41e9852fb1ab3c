import { percentile } from '../machine.js';
import type { CellResult, SystemResult } from './results.js';

/** What a table says of one system in one cell. */
export interface Summary {
  readonly system: SystemResult;
  readonly median: number;
  readonly least: number;
  readonly most: number;
  /** How many times as fast as the reference, of each round; the median of them. Undefined without a reference. */
  readonly ratio?: number;
}

/** Those that were measured. */
export function summariesOf({ systems, unit, reference: name }: CellResult): readonly Summary[] {
  const reference = systems.find((system) => system.name === name && system.values.length > 0);
  return systems
    .filter(({ values }) => values.length > 0)
    .map((system): Summary => {
      const { values } = system;
      const ratios = values.map((value, round) => {
        const other = reference?.values[round] ?? Number.NaN;
        return unit === 'ms' ? other / value : value / other;
      });
      return {
        system,
        median: percentile(values, 0.5),
        least: Math.min(...values),
        most: Math.max(...values),
        ...(reference === undefined ? {} : { ratio: percentile(ratios, 0.5) }),
      };
    });
}

/** The fastest one of those whose name is taken. */
export function fastest(cell: CellResult, isTaken: (name: string) => boolean = () => true): Summary | undefined {
  const speed = ({ median }: Summary): number => (cell.unit === 'ms' ? 1 / median : median);
  return summariesOf(cell)
    .filter(({ system }) => isTaken(system.name))
    .sort((a, b) => speed(b) - speed(a))[0];
}

export function isOurs(name: string): boolean {
  return name.startsWith('kimera-');
}
