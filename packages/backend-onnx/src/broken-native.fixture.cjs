// Required before anything else: onnxruntime-node fails as BROKEN_NATIVE says, by not being there or by killing its process; or something else prints a line.
const Module = require('node:module');

if (process.env.BROKEN_NATIVE === 'chatter') process.stdout.write('an agent is here');
if (process.env.BROKEN_NATIVE === 'silence') process.exit(0);
const load = Module._load;
Module._load = function (name, ...rest) {
  if (name !== 'onnxruntime-node' || process.env.BROKEN_NATIVE === 'chatter') return load.call(this, name, ...rest);
  if (process.env.BROKEN_NATIVE === 'dies') process.kill(process.pid, 'SIGILL');
  throw Object.assign(new Error(`Cannot find module '${name}'`), { code: 'MODULE_NOT_FOUND' });
};
