module.exports = {
  ...require('../../jest.preset.cjs')('kimera'),
  globalSetup: require.resolve('../../jest.pglite.cjs'),
};
