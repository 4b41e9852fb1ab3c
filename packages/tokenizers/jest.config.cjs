module.exports = require('../../jest.preset.cjs')('tokenizers');
