module.exports = require('../../jest.preset.cjs')('kimera');
