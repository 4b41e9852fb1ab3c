/**
 * Runs each property 100 times with fresh seeds, which takes longer than the gate may; the gate runs each once, with a
 * recorded seed (jest.properties.cjs). Prints the seed of each failure, and ends with exit code 1 where there is one.
 *
 *   node tools/properties.mjs [RUNS] [PART OF A PATH …]
 */
import { spawnSync } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { allPackages, root } from './build/packages.mjs';

const JEST = createRequire(import.meta.url).resolve('jest/bin/jest');
/** The conformance suite of tokenizers has properties too, and runs from the specs that call it. */
const HAS_PROPERTIES = /from 'fast-check'|tokenizerConformance\(/;

const [first = '', ...rest] = process.argv.slice(2);
const counted = /^\d+$/.test(first);
const runs = counted ? Number(first) : 100;
const parts = counted ? rest : [first, ...rest].filter((part) => part !== '');
const seed = Number(process.env.KIMERA_PROPERTY_SEED ?? randomInt(2 ** 31));

const specs = allPackages()
  .map(({ folder }) => folder)
  .filter((project) => existsSync(join(root, project, 'src')))
  .flatMap((project) => specsOf(project).map((spec) => ({ project, spec: join(project, spec) })))
  .filter(({ spec }) => parts.length === 0 || parts.some((part) => spec.includes(part)));

console.log(`${specs.length} spec files, each property ${runs} times, seeds from ${seed} on`);
const failed = specs.filter(({ project, spec }) => {
  const start = Date.now();
  const { status, stdout, stderr } = spawnSync(process.execPath, [JEST, '--config', 'jest.config.cjs', spec], {
    cwd: join(root, project),
    env: { ...process.env, KIMERA_PROPERTY_SEED: String(seed), KIMERA_PROPERTY_RUNS: String(runs) },
    encoding: 'utf8',
    maxBuffer: 2 ** 28,
  });
  const output = stdout + stderr;
  const seeds = [...new Set([...output.matchAll(/seed: (-?\d+)/g)].map(([, value]) => value))];
  const seconds = ((Date.now() - start) / 1_000).toFixed(0);
  console.log(
    `${status === 0 ? 'ok    ' : 'FAILED'} ${spec}, ${seconds} s${seeds.length > 0 ? `, seed ${seeds.join(', ')}` : ''}`,
  );
  if (status !== 0) console.log(output);
  return status !== 0;
});
console.log(`${specs.length - failed.length} files passed, ${failed.length} failed`);
process.exitCode = failed.length === 0 ? 0 : 1;

function specsOf(project) {
  return readdirSync(join(root, project, 'src'), { recursive: true })
    .filter((file) => file.endsWith('.spec.ts'))
    .map((file) => join('src', file))
    .filter((file) => HAS_PROPERTIES.test(readFileSync(join(root, project, file), 'utf8')));
}
