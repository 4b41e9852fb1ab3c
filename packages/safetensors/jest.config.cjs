module.exports = require('../../jest.preset.cjs')('safetensors');
