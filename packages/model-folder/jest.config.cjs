module.exports = require('../../jest.preset.cjs')('model-folder');
