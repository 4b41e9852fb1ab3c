module.exports = require('../../jest.preset.cjs')('distill');
