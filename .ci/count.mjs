// Prints the closing line `N passed, N failed` from the runners' own JSON reports.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { allPackages, root } from '../tools/build/packages.mjs';

const [folder, journeyPath] = process.argv.slice(2);
let passed = 0;
let failed = 0;

/** Adds up the reports of a folder, of which there must be one for each project. */
function add(what, reports, projects) {
  const names = existsSync(reports) ? readdirSync(reports).filter((name) => name.endsWith('.json')) : [];
  for (const name of names) {
    const report = JSON.parse(readFileSync(join(reports, name), 'utf8'));
    passed += report.numPassedTests;
    failed += report.numFailedTests + report.numRuntimeErrorTestSuites;
    if (report.numPassedTests === 0) failed += 1;
  }
  if (names.length !== projects.length) {
    console.error(`${what}: ${names.length} of ${projects.length} projects reported`);
    failed += Math.max(1, projects.length - names.length);
  }
}
const tested = allPackages().filter((each) => existsSync(join(root, each.folder, 'jest.config.cjs')));
add('tests', folder, tested);
add(
  'tests on a server',
  join(folder, 'server'),
  tested.filter(({ manifest }) => manifest.scripts?.['test:server'] !== undefined),
);
// None where the journey was left out.
if (journeyPath !== undefined) {
  try {
    const journey = JSON.parse(readFileSync(journeyPath, 'utf8'));
    passed += journey.passed;
    failed += journey.failed;
  } catch (error) {
    console.error(`no journey report: ${error.message}`);
    failed += 1;
  }
}
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed === 0 && passed > 0 ? 0 : 1);
