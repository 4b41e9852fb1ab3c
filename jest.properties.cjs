/**
 * What specs get as `fast-check`: properties run with a recorded seed, so that the gate tries the same cases each time.
 * KIMERA_PROPERTY_SEED takes another seed (a failure prints it); KIMERA_PROPERTY_RUNS runs each property that many
 * times, with the seeds that follow. tools/properties.mjs does both.
 */
const { dirname, join } = require('node:path');

// By its path, since the name stands for this file.
const fc = require(join(dirname(require.resolve('fast-check/package.json')), 'lib/cjs/fast-check.js'));

/** The day on which it was chosen; any number would do. */
const SEED = 20_261_129;

const seed = Number(process.env.KIMERA_PROPERTY_SEED ?? SEED);
const runs = Number(process.env.KIMERA_PROPERTY_RUNS ?? 1);
if (!Number.isSafeInteger(seed)) throw new RangeError('KIMERA_PROPERTY_SEED must be an integer');
if (!Number.isSafeInteger(runs) || runs < 1) throw new RangeError('KIMERA_PROPERTY_RUNS must be an integer from 1 on');

// A test takes longer where its properties run more often.
if (runs > 1) require('@jest/globals').jest.setTimeout(60_000 * runs);

/** `assert` with `seed`, `seed + 1` …, `runs` times. Where the property is asynchronous, a promise. */
function assert(property, parameters) {
  let i = 0;
  const next = () => {
    while (i < runs) {
      // fast-check takes seeds of 32 bits.
      const result = fc.assert(property, { seed: (seed + i++) | 0, ...parameters });
      if (result !== undefined) return result.then(next);
    }
    return undefined;
  };
  return next();
}

module.exports = { __esModule: true, ...fc, assert, default: { ...fc.default, assert } };
