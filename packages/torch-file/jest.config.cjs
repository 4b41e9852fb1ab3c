module.exports = require('../../jest.preset.cjs')('torch-file');
