const { readFile } = require('node:fs/promises');
const { dirname, join } = require('node:path');

const held = [];

/**
 * Compiles PGlite before all specs of a package and holds the code: V8 gives it to each thread that loads the same
 * bytes, already optimised where others ran it. Without it each database that is opened is compiled again.
 */
module.exports = async function holdPGlite() {
  const file = join(dirname(require.resolve('@electric-sql/pglite')), 'pglite.wasm');
  held.push(await WebAssembly.compile(await readFile(file)));
};
