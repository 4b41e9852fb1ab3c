const { compileFunction } = require('node:vm');
const Runtime = require('jest-runtime').default;

/** By file: the code and the function that it became, for all specs of this process. */
const compiled = new Map();

/**
 * Each spec gets modules of its own, as Jest promises, but their code is compiled once for all specs of a package and
 * stays optimised: in jest.environment.cjs all run among the same globals.
 */
module.exports = class CompilingOnceRuntime extends Runtime {
  constructor(...parts) {
    super(...parts);
    const { executor } = this;
    // Jest has no option for it; without this method specs would be compiled nowhere.
    if (typeof executor?.compile !== 'function') throw new Error('jest-runtime no longer compiles by executor.compile');
    executor.compile = (source, filename) => {
      const known = compiled.get(filename);
      if (known?.source === source) return known.run;
      const run = compileFunction(source, executor.injectedModuleParameters, { filename });
      compiled.set(filename, { source, run });
      return run;
    };
  }

  /** Node's own is right where the globals are Node's. */
  installGetBuiltinModule() {}
};
