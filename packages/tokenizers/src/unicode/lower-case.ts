import { LOWER_CASE_RUNS, LOWER_CASE_TEXTS } from './tables.js';

let table: ReadonlyMap<number, string> | undefined;

/** Lower case of one code point as the library has it: without regard to what stands beside it (final sigma). */
export function lowerCase(codePoint: number): string {
  table ??= readTable();
  return table.get(codePoint) ?? String.fromCodePoint(codePoint);
}

function readTable(): ReadonlyMap<number, string> {
  const lower = new Map<number, string>(LOWER_CASE_TEXTS);
  for (const run of LOWER_CASE_RUNS.split(',')) {
    const [first = '', ...numbers] = run.split(' ');
    const [count = 0, step = 1, difference = 0] = numbers.map(Number);
    for (let i = 0; i < count; i++) {
      const codePoint = Number.parseInt(first, 16) + i * step;
      lower.set(codePoint, String.fromCodePoint(codePoint + difference));
    }
  }
  return lower;
}
