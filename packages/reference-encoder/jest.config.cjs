module.exports = require('../../jest.preset.cjs')('reference-encoder');
