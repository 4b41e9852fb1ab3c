/**
 * What the server does under load and abuse, on a server of its own: `npm run bench:service [-- CASE …]`. Linux. The clients
 * run on the same machine: what they take is missing to the server.
 */
import { machineLines, table } from '../machine.js';
import { besideBulk } from './cases/beside-bulk.js';
import { idleConnections } from './cases/idle-connections.js';
import { mixed } from './cases/mixed.js';
import { overload } from './cases/overload.js';
import { sigterm } from './cases/sigterm.js';
import { workerKilled } from './cases/worker-killed.js';
import type { ServiceCase } from './service-case.js';

const CASES: Readonly<Record<string, ServiceCase>> = {
  'beside-bulk': besideBulk,
  overload,
  'idle-connections': idleConnections,
  sigterm,
  'worker-killed': workerKilled,
  mixed,
};
const names = process.argv.slice(2);
const unknown = names.filter((name) => !Object.hasOwn(CASES, name));
if (unknown.length > 0)
  throw new Error(`no case ${unknown.join(', ')}: the cases are ${Object.keys(CASES).join(', ')}`);
console.log(`# The service under load\n\n${machineLines().join('\n')}\n`);
let holds = true;
for (const [name, run] of Object.entries(CASES)) {
  if (names.length > 0 && !names.includes(name)) continue;
  const findings = await run();
  holds &&= findings.every((finding) => finding.holds);
  console.log(`## ${name}\n`);
  console.log(
    table(
      ['what', 'measured', 'wanted', 'holds'],
      findings.map((finding) => [finding.what, finding.measured, finding.wanted, finding.holds ? 'yes' : 'NO']),
    ),
  );
  console.log('');
}
process.exitCode = holds ? 0 : 1;
