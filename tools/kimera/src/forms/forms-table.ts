import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { checkForm, checkpointForms, formNames } from './check-form.fixture.js';

/**
 * Converts every form of a folder and prints whether it is equal to the reference, refused, or differs:
 * `npm run witness:forms -- [DIR]`
 */
const [given] = process.argv.slice(2);
const folder = given === undefined ? checkpointForms : resolve(given);
const scratch = await mkdtemp(join(tmpdir(), 'kimera-forms-'));
const print = (cells: readonly string[]): void => void process.stdout.write(`| ${cells.join(' | ')} |\n`);
const counts = new Map<string, number>();
try {
  print(['form', 'verdict', 'cosine', 'reason', 'lines of verify --against that fail']);
  print(['---', '---', '---', '---', '---']);
  for (const form of formNames(folder)) {
    const { verdict, minCosine, code, reason, failedLines } = await checkForm(folder, form, scratch);
    counts.set(verdict, (counts.get(verdict) ?? 0) + 1);
    print([
      form,
      verdict,
      minCosine?.toFixed(7) ?? '',
      `${code === undefined ? '' : `${code}: `}${reason.slice(0, 300)}`,
      failedLines?.map((line) => line.slice(0, 200)).join('; ') ?? '',
    ]);
  }
} finally {
  await rm(scratch, { recursive: true, force: true });
}
process.stdout.write(`\n${[...counts].map(([verdict, count]) => `${count} ${verdict}`).join(', ')}\n`);
process.exitCode = (counts.get('differs') ?? 0) + (counts.get('fault') ?? 0) === 0 ? 0 : 1;
