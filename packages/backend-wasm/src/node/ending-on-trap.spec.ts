import { expect, it } from '@jest/globals';
import type { GraphSession } from '@kimera/fast-graph';
import { rejection } from '@kimera/testing';
import { endingOnTrap } from './ending-on-trap.js';

/** (module (func (export "f") unreachable)) */
const TRAPPING = Uint8Array.of(
  0,
  97,
  115,
  109,
  1,
  0,
  0,
  0,
  1,
  4,
  1,
  96,
  0,
  0,
  3,
  2,
  1,
  0,
  7,
  5,
  1,
  1,
  102,
  0,
  0,
  10,
  5,
  1,
  3,
  0,
  0,
  11,
);

it('a trap of WebAssembly ends the thread, another failure does not', async () => {
  let ended = 0;
  const failing = (run: GraphSession['run']): GraphSession =>
    endingOnTrap({ inputNames: [], outputNames: [], run }, () => (ended += 1));
  await rejection(() => failing(() => Promise.reject(new Error('a shape does not fit'))).run({}, []));
  expect(ended).toBe(0);
  await rejection(() => failing(trap).run({}, []));
  expect(ended).toBe(1);
});

/** What the spec needs of it: the types of the language without those of browsers have no WebAssembly. */
interface WebAssemblyPort {
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (module: object) => { readonly exports: { readonly f: () => void } };
}

/** Fails with the error of a real trap. */
async function trap(): Promise<never> {
  const { Module, Instance } = Reflect.get(globalThis, 'WebAssembly') as WebAssemblyPort;
  new Instance(new Module(TRAPPING)).exports.f();
  throw new Error('the module did not trap');
}
