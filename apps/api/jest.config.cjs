module.exports = {
  ...require('../../jest.preset.cjs')('api'),
  globalSetup: require.resolve('../../jest.pglite.cjs'),
};
