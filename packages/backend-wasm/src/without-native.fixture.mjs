// Loaded before anything else, in every thread: packages of native code are not there.
import { createRequire, Module, register } from 'node:module';

const absent = /^(onnxruntime-node|sharp)(\/|$)/;
const hooks = `export function resolve(name, context, next) {
  if (${absent}.test(name)) throw Object.assign(new Error('Cannot find package ' + name), { code: 'ERR_MODULE_NOT_FOUND' });
  return next(name, context);
}`;
register(`data:text/javascript,${encodeURIComponent(hooks)}`);
const resolve = Module._resolveFilename;
Module._resolveFilename = function (name, ...rest) {
  if (absent.test(name)) throw Object.assign(new Error(`Cannot find module ${name}`), { code: 'MODULE_NOT_FOUND' });
  return resolve.call(this, name, ...rest);
};

for (const name of ['onnxruntime-node', 'sharp']) {
  const found = await import(name).then(
    () => true,
    () => false,
  );
  let required = true;
  try {
    createRequire(import.meta.url)(name);
  } catch {
    required = false;
  }
  if (found || required) throw new Error(`${name} can still be loaded`);
}
