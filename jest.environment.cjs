const { TestEnvironment } = require('jest-environment-node');

/** onnxruntime-node checks its tensors with the host realm's constructors; a Jest realm has its own, so they are replaced by the host's. */
module.exports = class HostTypedArraysEnvironment extends TestEnvironment {
  async setup() {
    await super.setup();
    for (const constructor of [
      ArrayBuffer,
      SharedArrayBuffer,
      DataView,
      Int8Array,
      Uint8Array,
      Uint8ClampedArray,
      Int16Array,
      Uint16Array,
      Int32Array,
      Uint32Array,
      Float32Array,
      Float64Array,
      BigInt64Array,
      BigUint64Array,
    ])
      this.global[constructor.name] = constructor;
  }
};
