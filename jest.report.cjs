const { writeFileSync } = require('node:fs');

/** Writes the counts of a run as JSON. */
module.exports = class CountsReporter {
  constructor(_configuration, options) {
    this.file = options.file;
  }
  onRunComplete(_contexts, { numPassedTests, numFailedTests, numRuntimeErrorTestSuites }) {
    writeFileSync(this.file, JSON.stringify({ numPassedTests, numFailedTests, numRuntimeErrorTestSuites }));
  }
};
