/** One Jest configuration for every project: swc transform, `.js` suffixes back to TypeScript, packages by their sources. */
module.exports = (displayName) => ({
  // The gate counts tests from these files (.ci/count.mjs).
  reporters: [
    'default',
    ...(process.env.KIMERA_JEST_REPORTS
      ? [[require.resolve('./jest.report.cjs'), { file: `${process.env.KIMERA_JEST_REPORTS}/${displayName}.json` }]]
      : []),
  ],
  displayName,
  // What one project compiled, the others use too; it goes with the folder.
  id: 'kimera',
  cacheDirectory: `${__dirname}/node_modules/.cache/jest`,
  testEnvironment: require.resolve('./jest.environment.cjs'),
  runtime: require.resolve('./jest.runtime.cjs'),
  // Specs import what they use.
  injectGlobals: false,
  // Most imports are of sources: each further extension is a look at the disk.
  moduleFileExtensions: ['ts', 'js', 'cjs', 'mjs', 'json', 'node'],
  testMatch: ['<rootDir>/src/**/*.spec.ts'],
  transform: {
    '^.+\\.ts$': [
      '@swc/jest',
      { jsc: { target: 'es2022', parser: { syntax: 'typescript' } }, module: { type: 'commonjs' } },
    ],
  },
  moduleNameMapper: {
    '^fast-check$': require.resolve('./jest.properties.cjs'),
    '^(\\.{1,2}/(?!dist/).*)\\.js$': '$1',
    '^@kimera/api/?(.*)$': `${__dirname}/apps/api/src/$1`,
    '^@kimera/([^/]+)$': `${__dirname}/packages/$1/src`,
    '^@kimera/([^/]+)/(?!package\\.json$)([^/]+)$': `${__dirname}/packages/$1/src/$2`,
  },
  maxWorkers: 1,
  testTimeout: 60_000,
});
