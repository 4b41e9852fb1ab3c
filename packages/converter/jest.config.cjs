module.exports = require('../../jest.preset.cjs')('converter');
