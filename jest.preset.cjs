/** One Jest configuration for every project: swc transform, `.js` suffixes back to TypeScript, sources through the `@kimera/source` condition. */
module.exports = (displayName) => ({
  // The gate counts tests from these files (.ci/count.mjs).
  reporters: [
    'default',
    ...(process.env.KIMERA_JEST_REPORTS
      ? [[require.resolve('./jest.report.cjs'), { file: `${process.env.KIMERA_JEST_REPORTS}/${displayName}.json` }]]
      : []),
  ],
  displayName,
  testEnvironment: require.resolve('./jest.environment.cjs'),
  testEnvironmentOptions: { customExportConditions: ['@kimera/source', 'node', 'node-addons'] },
  testMatch: ['<rootDir>/src/**/*.spec.ts'],
  transform: {
    '^.+\\.ts$': [
      '@swc/jest',
      { jsc: { target: 'es2022', parser: { syntax: 'typescript' } }, module: { type: 'commonjs' } },
    ],
  },
  moduleNameMapper: { '^(\\.{1,2}/.*)\\.js$': '$1' },
  maxWorkers: 1,
  testTimeout: 60_000,
});
