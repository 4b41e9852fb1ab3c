import { readFile } from 'node:fs/promises';
import { expect, it } from '@jest/globals';
import fc from 'fast-check';
import wabt from 'wabt';
import { FINITE_WASM, FloatMemory } from './float-memory.js';

const memory = new FloatMemory(1_024);

it('knows numbers that are not finite from all others, wherever they stand', () => {
  const bits = fc.oneof(
    fc.constantFrom(0x7f800000, 0xff800000, 0x7fc00000, 0x7f800001, 0x7f7fffff, 0xff7fffff, 0x00800000, 1, 0),
    fc.integer({ min: 0, max: 0xffffffff }),
  );
  fc.assert(
    fc.property(fc.array(bits, { maxLength: 200 }), (patterns) => {
      // What was read before is beyond the end.
      memory.bytes.fill(0xff);
      const values = new Float32Array(memory.bytes.buffer, 0, patterns.length);
      new Uint32Array(values.buffer, 0, values.length).set(patterns);
      expect(memory.areFinite(values.length)).toBe(values.every(Number.isFinite));
    }),
    { numRuns: 2_000 },
  );
});

it.each(Array.from({ length: 33 }, (_, i) => i))('finds one at %i', (at) => {
  memory.bytes.fill(0);
  new Float32Array(memory.bytes.buffer)[at] = NaN;
  expect([memory.areFinite(33), memory.areFinite(at)]).toEqual([false, true]);
});

it('runs the module that finite.wat says', async () => {
  expect(FINITE_WASM).toBe(await compileWat(new URL('./finite.wat', import.meta.url)));
});

/** The text form of WebAssembly as a module, in base64. */
async function compileWat(path: URL): Promise<string> {
  const compiler = await wabt();
  const module = compiler.parseWat(path.pathname, await readFile(path, 'utf8'));
  module.validate();
  return Buffer.from(module.toBinary({}).buffer).toString('base64');
}
