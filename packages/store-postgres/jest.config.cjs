module.exports = {
  ...require('../../jest.preset.cjs')('store-postgres'),
  // One database for all specs, which copy it: making one takes seconds.
  globalSetup: '<rootDir>/jest.setup.cjs',
};
