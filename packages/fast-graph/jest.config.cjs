module.exports = require('../../jest.preset.cjs')('fast-graph');
