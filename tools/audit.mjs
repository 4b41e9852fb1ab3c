// node tools/audit.mjs: known faults of the packages that are shipped, from the registry. Ends with 1 where one is high or
// critical; with 0 and a note where the registry does not answer.
import { spawnSync } from 'node:child_process';

const { stdout, error } = spawnSync('npm', ['audit', '--omit', 'dev', '--json'], {
  encoding: 'utf8',
  maxBuffer: 1 << 28,
});
let report;
try {
  report = JSON.parse(stdout);
} catch {
  report = undefined;
}
const counts = report?.metadata?.vulnerabilities;
if (counts === undefined) {
  process.stdout.write(
    `not run: the registry does not answer (${report?.error?.summary ?? report?.message ?? error?.message ?? 'no answer'})\n`,
  );
} else {
  for (const { name, severity, via } of Object.values(report.vulnerabilities))
    process.stdout.write(`${severity} ${name}: ${via.map((each) => each.title ?? each).join('; ')}\n`);
  const serious = counts.high + counts.critical;
  process.stdout.write(`${counts.total} known, ${serious} of them high or critical\n`);
  process.exitCode = serious > 0 ? 1 : 0;
}
