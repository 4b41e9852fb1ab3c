module.exports = require('../../jest.preset.cjs')('onnx-file');
