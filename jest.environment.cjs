const { ModernFakeTimers } = require('@jest/fake-timers');
const { ModuleMocker } = require('jest-mock');

// Specs that load ONNX Runtime themselves touch no network (packages/backend-onnx/src/no-telemetry.ts).
process.env.ORT_DISABLE_TELEMETRY = '1';
// Programs that specs start leave nothing in the cache folder of the user.
process.env.KIMERA_PACKED_WEIGHTS = '0';

/**
 * Specs run among Node's own globals, as programs do. Jest's usual environment has globals of its own. There each look
 * at a global is slow, errors and arrays that Node's modules make are no instance of the spec's constructors, and code
 * that was compiled for one spec cannot be used for the next (jest.runtime.cjs). What a spec changes on the globals is
 * put back after it.
 */
module.exports = class HostEnvironment {
  constructor({ projectConfig }) {
    this.global = globalThis;
    this.before = new State();
    this.moduleMocker = new ModuleMocker(globalThis);
    this.fakeTimers = null;
    this.fakeTimersModern = new ModernFakeTimers({ config: projectConfig, global: sameButForIdentity(globalThis) });
  }

  async setup() {}

  async teardown() {
    this.fakeTimersModern.dispose();
    this.before.putBack();
  }

  exportConditions() {
    return ['node', 'node-addons'];
  }

  /** Jest asks for it; jest.runtime.cjs does without. */
  getVmContext() {
    return null;
  }
};

/** Where the global object itself is given, fake timers replace those of node:timers too, by which specs wait for real. */
function sameButForIdentity(object) {
  return new Proxy(object, {
    get: (target, key) => Reflect.get(target, key),
    set: (target, key, value) => Reflect.set(target, key, value),
  });
}

/** What specs and Jest change on the globals of a process. */
class State {
  globals = Object.getOwnPropertyDescriptors(globalThis);
  process = Object.getOwnPropertyDescriptors(process);
  environment = { ...process.env };
  folder = process.cwd();
  listeners = new Map(process.eventNames().map((name) => [name, process.rawListeners(name)]));

  putBack() {
    for (const name of process.eventNames())
      for (const listener of process.rawListeners(name))
        if (!this.listeners.get(name)?.includes(listener)) process.removeListener(name, listener);
    restore(globalThis, this.globals);
    restore(process, this.process);
    for (const name of Object.keys(process.env)) if (!(name in this.environment)) delete process.env[name];
    Object.assign(process.env, this.environment);
    process.chdir(this.folder);
  }
}

/** Properties as they were; those that cannot be changed are left. */
function restore(object, before) {
  for (const key of Reflect.ownKeys(object)) {
    const now = Object.getOwnPropertyDescriptor(object, key);
    const then = before[key];
    if (now === undefined || !now.configurable) continue;
    if (then === undefined) delete object[key];
    else if (now.value !== then.value || now.get !== then.get || now.set !== then.set)
      Object.defineProperty(object, key, then);
  }
}
