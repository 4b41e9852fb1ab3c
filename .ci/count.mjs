// Prints the closing line `N passed, N failed` from the runners' own JSON reports.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { allPackages, root } from '../tools/build/packages.mjs';

const [folder, journeyPath] = process.argv.slice(2);
let passed = 0;
let failed = 0;
const suites = readdirSync(folder).filter((name) => name.endsWith('.json'));
for (const name of suites) {
  const report = JSON.parse(readFileSync(join(folder, name), 'utf8'));
  passed += report.numPassedTests;
  failed += report.numFailedTests + report.numRuntimeErrorTestSuites;
  if (report.numPassedTests === 0) failed += 1;
}
const projects = allPackages().filter(({ folder }) => existsSync(join(root, folder, 'jest.config.cjs'))).length;
if (suites.length !== projects) {
  console.error(`${suites.length} of ${projects} projects reported`);
  failed += Math.max(1, projects - suites.length);
}
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
