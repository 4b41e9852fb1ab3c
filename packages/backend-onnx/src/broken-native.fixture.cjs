// Required before anything else: onnxruntime-node fails as BROKEN_NATIVE says, by not being there or by killing its process.
const Module = require('node:module');

const load = Module._load;
Module._load = function (name, ...rest) {
  if (name !== 'onnxruntime-node') return load.call(this, name, ...rest);
  if (process.env.BROKEN_NATIVE === 'dies') process.kill(process.pid, 'SIGILL');
  throw Object.assign(new Error(`Cannot find module '${name}'`), { code: 'MODULE_NOT_FOUND' });
};
