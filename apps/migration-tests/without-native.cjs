// Required before anything else, in every thread and child process: the native package is not installed.
const Module = require('node:module');

const load = Module._load;
Module._load = function (name, ...rest) {
  if (name === 'onnxruntime-node')
    throw Object.assign(new Error(`Cannot find module '${name}'`), { code: 'MODULE_NOT_FOUND' });
  return load.call(this, name, ...rest);
};
