module.exports = {
  ...require('../../jest.preset.cjs')('migration-tests'),
  globalSetup: require.resolve('../../jest.pglite.cjs'),
};
