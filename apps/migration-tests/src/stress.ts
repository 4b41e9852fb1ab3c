import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Checks } from './checks.js';
import { ROOT } from './models.js';
import { readOptions } from './stress/options.js';
import { runStress } from './stress/run-stress.js';

/** `npx nx run migration-tests:stress -- --rows 20000 --to DIR`. */
const options = readOptions(process.argv.slice(2), process.env['INIT_CWD'] ?? ROOT);
const print = (line: string): void => void process.stdout.write(`${line}\n`);
const checks = new Checks(print);
// The workers end with this process (processes.ts), the server stays for the next run.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(3));
let last = 0;
const report = await runStress(options, checks, (line) => {
  if (performance.now() - last < 10_000) return;
  last = performance.now();
  process.stderr.write(`  … ${line}\n`);
});
const { machine, server, models, figures } = report;
const width = Math.max(...Object.keys(figures).map((name) => name.length));
print(
  `\n${models.join(' → ')}, ${options.rows} rows, ${options.workers} workers; ${machine.processor}, ${machine.cores} cores, ${machine.memoryGigabytes} GB, node ${machine.node}, ${server}`,
);
for (const [name, value] of Object.entries(figures)) print(`  ${name.padEnd(width)}  ${value}`);
const path = options.report ?? join(options.folder, 'report.json');
await mkdir(dirname(path), { recursive: true });
await writeFile(path, `${JSON.stringify(report, null, 1)}\n`);
print(`\n${checks.passed} passed, ${checks.failed} failed; report: ${path}`);
process.exit(checks.failed === 0 ? 0 : 1);
